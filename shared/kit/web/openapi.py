"""The OpenAPI document of a service: what FastAPI finds, the problems that can come, and routes written by hand."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from shared.kit.web.problems import MEDIA_TYPE

_ALWAYS: Final = {
    "400": "The request is malformed",
    "401": "Sign-in is missing or has expired",
    "403": "The role does not allow it",
    "404": "Unknown, or not within reach",
    "405": "The method is not allowed; Allow names those that are",
    "422": "Some fields are not right; errors names them",
    "429": "Too many requests; Retry-After says when to come back",
    "500": "Something went wrong on our side",
    "503": "Unavailable at present; Retry-After says when to come back",
}
_WITH_BODY: Final = {"413": "The body is too large", "415": "The media type is not supported"}
_BY_HEADER: Final = {
    "Idempotency-Key": {"409": "A request with the same key is under way, or the state does not allow it"},
    "If-Match": {
        "409": "The present state does not allow it",
        "412": "The version is stale",
        "428": "If-Match is missing",
    },
}
_PROBLEM: Final = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri", "pattern": "^urn:seda:problem:[a-z0-9-]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "message"],
                "properties": {
                    "pointer": {"type": "string", "description": "RFC 6901, into the body or to a parameter"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "in": {"enum": ["query", "path", "header", "cookie"], "description": "absent for the body"},
                },
            },
        },
    },
}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """``responses=`` of a route for problems that only it can answer with (404, 409, 410 …)."""
    return {status: {"description": "See type"} | _content() for status in statuses}


def document_route(
    api: FastAPI,
    *,
    method: str,
    path: str,
    summary: str,
    body: type[BaseModel],
    status: int,
    answer: type[BaseModel],
    headers: tuple[str, ...] = (),
) -> None:
    """Documents a plain Starlette route, which FastAPI does not see; ``headers`` are the required ones."""
    schemas = (
        body.model_json_schema(ref_template="#/components/schemas/{model}"),
        answer.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}"),
    )
    definitions: dict[str, Any] = {}
    for model, schema in zip((body, answer), schemas, strict=True):
        definitions |= schema.pop("$defs", {}) | {model.__name__: schema}
    operation = {
        "summary": summary,
        "operationId": f"{method}{path}".replace("/", "_").replace("{", "").replace("}", ""),
        "parameters": [{"name": name, "in": "header", "schema": {"type": "string"}} for name in headers],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref(body.__name__)}}},
        "responses": {
            str(status): {
                "description": "Done",
                "content": {"application/json": {"schema": _ref(answer.__name__)}},
            }
        },
    }
    written: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = api.state.openapi_by_hand
    written.append((path, method, operation, definitions))
    api.openapi_schema = None


def openapi_document(api: FastAPI) -> dict[str, Any]:
    """The document (3.1), made once."""
    if api.openapi_schema is None:
        document = get_openapi(title=api.title, version=api.version, routes=api.routes)
        paths = document.setdefault("paths", {})
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for path, method, operation, definitions in api.state.openapi_by_hand:
            paths.setdefault(path, {})[method] = operation
            schemas |= definitions
        for operations in paths.values():
            for operation in operations.values():
                _add_problems(operation)
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        schemas["Problem"] = _PROBLEM
        api.openapi_schema = document
    return api.openapi_schema


def _add_problems(operation: dict[str, Any]) -> None:
    added = dict(_ALWAYS)
    if "requestBody" in operation:
        added |= _WITH_BODY
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "header" and parameter["name"] in _BY_HEADER:
            parameter["required"] = True
            added |= _BY_HEADER[parameter["name"]]
    responses = operation.setdefault("responses", {})
    for status, description in added.items():
        if status == "422" or status not in responses:
            responses[status] = {"description": description} | _content()


def _content() -> dict[str, Any]:
    return {"content": {MEDIA_TYPE: {"schema": _ref("Problem")}}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
