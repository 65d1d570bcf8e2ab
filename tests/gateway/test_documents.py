"""The merged OpenAPI document, from the applications that the services really serve."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import create_model

from gateway.documents import merge
from gateway.identity.api import router as identity
from gateway.routes import ROUTES
from shared.kit.web.app import create_api


def document(service: str, field: type, *paths: tuple[str, str]) -> dict[str, Any]:
    """The document of a service with these operations, whose answers are of one model named Case."""
    router, model = APIRouter(), create_model("Case", value=(field, ...))

    async def answer() -> None: ...

    for method, path in paths:
        router.add_api_route(path, answer, methods=[method], response_model=model)
    api: FastAPI = create_api(service, routers=[router])
    return api.openapi()


@pytest.fixture(scope="module")
def merged() -> dict[str, Any]:
    return merge(
        create_api("gateway", routers=[identity]).openapi(),
        {
            "intake": document(
                "intake", int, ("GET", "/v1/cases"), ("GET", "/v1/track/{tracking}"), ("GET", "/secret")
            ),
            "routing": document("routing", str, ("GET", "/v1/desk/cases"), ("GET", "/v1/cases")),
        },
    )


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from references(child)


def test_only_what_the_table_lets_through_is_there(merged: dict[str, Any]) -> None:
    assert "/secret" not in merged["paths"]
    assert "/healthz" not in merged["paths"]
    operations = {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path))
        for path, methods in merged["paths"].items()
        for method in methods
    }
    assert operations <= {(route.method, re.sub(r"\{\w+\}", "{}", route.template)) for route in ROUTES}
    assert {
        ("POST", "/v1/auth/otp"),
        ("GET", "/v1/cases"),
        ("GET", "/v1/track/{}"),
        ("GET", "/v1/desk/cases"),
    } <= operations


def test_schemas_of_one_name_stay_apart_and_all_references_lead_somewhere(merged: dict[str, Any]) -> None:
    schemas = merged["components"]["schemas"]
    types = {name: schema["properties"]["value"]["type"] for name, schema in schemas.items() if name.endswith("Case")}
    assert types == {"Case": "integer", "routing_Case": "string"}
    of_desk = merged["paths"]["/v1/desk/cases"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert of_desk == {"$ref": "#/components/schemas/routing_Case"}
    of_cases = merged["paths"]["/v1/cases"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert of_cases == {"$ref": "#/components/schemas/Case"}, "routing does not serve it through the gateway"
    assert {reference.rpartition("/")[2] for reference in references(merged)} <= set(schemas)


def test_it_tells_what_needs_no_token_and_what_can_go_wrong_between(merged: dict[str, Any]) -> None:
    assert merged["openapi"].startswith("3.1")
    assert merged["paths"]["/v1/auth/otp"]["post"]["security"] == []
    assert "security" not in merged["paths"]["/v1/cases"]["get"]
    assert {"401", "429", "502", "503", "504"} <= set(merged["paths"]["/v1/cases"]["get"]["responses"])
    form = merged["paths"]["/v1/auth/token"]["post"]["requestBody"]["content"]
    assert set(form) == {"application/x-www-form-urlencoded"}
