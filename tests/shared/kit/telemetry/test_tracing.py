import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kit.telemetry import current_traceparent, parse_traceparent, span
from shared.kit.telemetry.tracing import setup_tracing

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def spans(tmp_path: Path) -> Iterator[Any]:
    path = tmp_path / "trace.jsonl"
    setup_tracing("sms", path)

    def read() -> list[dict[str, Any]]:
        setup_tracing("sms", None)
        return [json.loads(line) for line in path.read_text().splitlines()]

    yield read
    setup_tracing("sms", None)


@given(st.text() | st.binary() | st.integers() | st.none() | st.lists(st.text()))
def test_junk_is_no_parent_and_no_failure(junk: object) -> None:
    assert parse_traceparent(junk) is None
    with span("handle", junk) as step:
        assert current_traceparent() == step.context.traceparent
        assert parse_traceparent(current_traceparent()) == step.context
    assert current_traceparent() is None


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        (PARENT, True),
        (PARENT.encode(), True),
        ("01" + PARENT[2:] + "-what-comes-later", True),
        (PARENT + "-x", False),
        ("ff" + PARENT[2:], False),
        (PARENT.upper(), False),
        (PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32), False),
        (PARENT.replace("00f067aa0ba902b7", "0" * 16), False),
        (PARENT + "\n", False),
    ],
)
def test_what_w3c_says_of_a_traceparent(value: object, taken: bool) -> None:
    assert (parse_traceparent(value) is not None) is taken


def test_the_trace_is_carried_on_without_a_recorder() -> None:
    with span("post", PARENT) as outer:
        assert outer.context.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
        assert outer.context.span_id != "00f067aa0ba902b7"
        with span("publish") as inner:
            assert inner.context.trace_id == outer.context.trace_id
            assert inner.context.span_id != outer.context.span_id
        assert current_traceparent() == outer.context.traceparent


def test_spans_are_recorded_as_one_trace(spans: Any) -> None:
    with span("post", PARENT) as outer:
        carried = current_traceparent()
    with pytest.raises(ValueError, match="0912"), span("handle case.registered.v1", carried, consumer="sms.steps"):
        raise ValueError("09121234567")
    with span("unseen", recorded=False):
        pass
    with span("with 09121234567 in its name", status=200, mobile="09121234567", route="/v1/track/09121234567"):
        pass
    post, handle, unnamed = spans()
    assert post["trace_id"] == handle["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert post["parent_id"] == "00f067aa0ba902b7"
    assert handle["parent_id"] == post["span_id"] == outer.context.span_id
    assert handle["failed"] is True
    assert handle["attributes"] == {"consumer": "sms.steps", "error": "ValueError"}
    assert handle["end_ns"] >= handle["start_ns"] >= post["start_ns"]
    assert (unnamed["name"], unnamed["attributes"]) == ("unnamed", {"status": 200})
    assert unnamed["parent_id"] is None
    assert "0912" not in json.dumps([post, handle, unnamed])
