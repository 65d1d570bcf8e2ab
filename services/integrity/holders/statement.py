"""What a leaf of a holder's chain says of who they are: what readers and the rule on conflicts of interest rely on."""

from collections.abc import Mapping
from typing import Any

import rfc8785

STATED = "holder_stated"
RETIRED = "holder_retired"
"""The types of the leaves that are over a statement; ``key_registered`` is over the public key."""

_SAID = ("username", "role", "province", "organisation_id", "name", "title", "active")


def statement(holder: Mapping[str, Any]) -> bytes:
    """The columns of ``holders`` that say who somebody is, in canonical JSON (RFC 8785)."""
    return rfc8785.dumps({"v": 1, **{name: holder[name] for name in _SAID}})
