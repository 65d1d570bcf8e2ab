"""JSON answers by orjson."""

from typing import Any

import orjson
from starlette.responses import Response


class JsonResponse(Response):
    """What a route answers by hand; UUIDs, datetimes (RFC 3339) and dataclasses are written as they are."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """``content`` as UTF-8 JSON."""
        return orjson.dumps(content, option=orjson.OPT_UTC_Z)
