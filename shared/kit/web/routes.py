"""What the application's routes are called: templates for logs and metrics, methods for ``Allow``."""

import re
from collections.abc import Hashable
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount, compile_path
from starlette.types import Scope

UNMATCHED = "unmatched"


class RouteTable:
    """Read from the application when first asked, when all of its routes are there."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._routes: list[tuple[re.Pattern[str], frozenset[str], str]] = []
        self._by_endpoint: dict[Hashable, list[tuple[re.Pattern[str], str]]] = {}

    def template(self, scope: Scope) -> str:
        """The template of the route that a scope was given to (``/v1/cases/{id}``), ``unmatched`` if to none."""
        if (forwarded := scope.get("seda.route")) is not None:  # the gateway's own table knew it
            return str(forwarded)
        endpoint = scope.get("endpoint")
        if endpoint is None:
            return UNMATCHED
        self._read()
        candidates = self._by_endpoint.get(endpoint, [])
        if len(candidates) == 1:
            return candidates[0][1]
        return next((template for pattern, template in candidates if pattern.match(scope["path"])), UNMATCHED)

    def methods(self, path: str) -> list[str]:
        """The methods that any route answers at a path."""
        self._read()
        found = (methods for pattern, methods, _ in self._routes if pattern.match(path))
        return sorted(frozenset[str]().union(*found))

    def _read(self) -> None:
        if self._by_endpoint:
            return
        for context in iter_route_contexts(self._app.routes):
            endpoint: Any = context.endpoint
            path = context.path or ""
            if isinstance(context.original_route, Mount):
                endpoint, path = context.original_route.app, f"{path}/{{path:path}}"
            if endpoint is None:
                continue
            pattern, template, _ = compile_path(path)
            self._routes.append((pattern, frozenset(context.methods or ()), template))
            self._by_endpoint.setdefault(endpoint, []).append((pattern, template))
