"""The merged OpenAPI document: each service's own, less what the gateway does not let through."""

import re
from collections.abc import Mapping
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html

from gateway.routes import ROUTES
from shared.kit.web.problems import unavailable
from shared.kit.web.responses import JsonResponse

router = APIRouter(include_in_schema=False)

_BETWEEN = {
    status: {
        "description": description,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, description in (
        ("408", "The request came too slowly"),
        ("502", "No valid answer from the service"),
        ("504", "The service took too long"),
    )
}
"""What the gateway itself may answer in a service's place."""

_NAMES = re.compile(r"\{[^}]*\}")


def merge(own: dict[str, Any], services: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """One document of all operations that the route table names; schemas that differ under one name keep the
    service's name as a prefix."""
    merged: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Seda",
            "version": "1.0.0",
            "description": "صدا: the public's correspondence (ZRM) and corruption reports (IRM). Errors are RFC 9457 "
            "problems, in Persian by default and in English by Accept-Language.",
        },
        "security": [{"bearer": []}],
        "paths": {},
        "components": {"schemas": {}, "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    }
    let_through = {(route.method.lower(), _NAMES.sub("{}", route.template)): route for route in ROUTES}
    for name, published in {"gateway": own, **services}.items():
        document = _renamed(published, merged["components"]["schemas"], name)
        merged["components"]["schemas"] |= document.get("components", {}).get("schemas", {})
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                route = let_through.get((method, _NAMES.sub("{}", path)))
                if route is None or route.service != name:
                    continue
                free: dict[str, Any] = {"security": []} if "public" in route.kinds else {}
                if name != "gateway":
                    operation["responses"] |= _BETWEEN
                merged["paths"].setdefault(path, {})[method] = operation | free
    return merged


def _renamed(document: dict[str, Any], taken: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    schemas = document.get("components", {}).get("schemas", {})
    new = {name: f"{prefix}_{name}" for name, schema in schemas.items() if name in taken and taken[name] != schema}

    def rename(node: Any) -> Any:
        if isinstance(node, dict):
            return {
                key: f"#/components/schemas/{new[value.rpartition('/')[2]]}"
                if key == "$ref" and isinstance(value, str) and value.rpartition("/")[2] in new
                else rename(value)
                for key, value in node.items()
            }
        return [rename(item) for item in node] if isinstance(node, list) else node

    result: dict[str, Any] = rename(document)
    if schemas:
        result["components"]["schemas"] = {
            new.get(name, name): schema for name, schema in result["components"]["schemas"].items()
        }
    return result


@router.get("/openapi.json")
async def merged(request: Request) -> Response:
    """The merged document, fetched from the services that run."""
    app: FastAPI = request.app
    services: dict[str, dict[str, Any]] = {}
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        for name in sorted({route.service for route in ROUTES} - {"gateway"}):
            try:
                answer = await client.get(f"{app.state.settings.upstreams()[name]}/openapi.json")
                services[name] = answer.raise_for_status().json()
            except httpx.HTTPError:
                raise unavailable() from None
    return JsonResponse(merge(app.openapi(), services), headers={"Cache-Control": "public, max-age=60"})


@router.get("/docs")
async def docs() -> Response:
    """The document to read and try."""
    return get_swagger_ui_html(openapi_url="/openapi.json", title="Seda")
