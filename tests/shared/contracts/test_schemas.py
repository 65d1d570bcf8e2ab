"""The committed schemas are those of the models, and an incompatible drift is named."""

import copy
import json
from typing import Any

import pytest

from shared.contracts import asyncapi
from shared.contracts.registry import EVENTS, HEARD, QUEUES, UnknownEvent, parse
from shared.contracts.schemas import breaks, committed, schema_of


def test_the_committed_schemas_and_the_asyncapi_document_are_up_to_date() -> None:
    assert committed() == {type: schema_of(type) for type in EVENTS}, "run 'make contracts'"
    assert json.loads(asyncapi.DOCUMENT.read_text("utf-8")) == asyncapi.document(), "run 'make contracts'"


def test_the_asyncapi_document_holds_together() -> None:
    document = asyncapi.document()
    assert document["asyncapi"] == "3.0.0"
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in document["channels"]
    for channel in document["channels"].values():
        for message in channel["messages"].values():
            assert message["$ref"].rpartition("/")[2] in document["components"]["messages"]
    assert "$defs" not in str(document)


def changed(change: str) -> tuple[dict[str, Any], dict[str, Any]]:
    old = schema_of("case.assigned.v1")
    new = copy.deepcopy(old)
    data = new["$defs"]["CaseAssignedData"]
    match change:
        case "removed":
            del data["properties"]["method"]
            data["required"].remove("method")
        case "required":
            data["properties"]["more"] = {"type": "string"}
            data["required"].append("more")
        case "type":
            data["properties"]["method"]["type"] = "integer"
        case "narrowed":
            data["properties"]["method"]["enum"].remove("rule")
        case "optional":
            data["properties"]["more"] = {"type": "string"}
        case "widened":
            data["properties"]["method"]["enum"].append("oracle")
    return old, new


@pytest.mark.parametrize("change", ["removed", "required", "type", "narrowed"])
def test_what_an_older_reader_could_not_live_with_is_named(change: str) -> None:
    found = breaks(*changed(change))
    assert found
    assert all("/data/" in place for place in found)


@pytest.mark.parametrize("change", ["optional", "widened"])
def test_what_is_only_added_is_let_through(change: str) -> None:
    assert breaks(*changed(change)) == []


def test_every_queue_hears_events_that_exist() -> None:
    assert {kind.TYPE for queue in QUEUES for kind in queue.events} == HEARD <= EVENTS.keys()


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"{}", b'{"type": "case.registered.v2"}', b'{"type": []}'])
def test_a_foreign_body_is_refused_without_repeating_it(body: bytes) -> None:
    with pytest.raises((UnknownEvent, ValueError)) as refused:
        parse(body)
    assert "v2" not in str(refused.value)
