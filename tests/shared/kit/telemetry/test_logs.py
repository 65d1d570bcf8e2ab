import json
import logging
from collections.abc import Iterator
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from shared.kit.telemetry import log, span
from shared.kit.telemetry.fields import allowed
from shared.kit.telemetry.logs import setup_logging

CANARIES = ["09121234567", "+989121234567", "0499370899", "علی رضایی", "خیابان آزادی", "482913", "sk_live_abc!"]


@pytest.fixture(autouse=True)
def json_logs() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    setup_logging("intake", "info")
    yield
    root.handlers[:], root.level = before[0], before[1]


def line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    written = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert isinstance(written, dict)
    return written


def dropped(reason: str) -> float:
    return REGISTRY.get_sample_value("seda_telemetry_dropped_total", {"reason": reason}) or 0.0


def test_a_line_has_what_is_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    case = uuid4()
    with span("handle case.registered.v1") as step:
        log.info("event_handled", consumer="sms.steps", type="case.registered.v1", case_id=case, attempts=2)
    written = line(capsys)
    assert written.pop("at")
    assert written == {
        "level": "info",
        "service": "intake",
        "event": "event_handled",
        "trace_id": step.context.trace_id,
        "span_id": step.context.span_id,
        "consumer": "sms.steps",
        "type": "case.registered.v1",
        "case_id": str(case),
        "attempts": 2,
    }


@pytest.mark.parametrize("canary", CANARIES)
def test_no_canary_gets_out(canary: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = dropped("unknown")
    log.error("case_failed", mobile=canary, body=canary, consumer=canary if canary != "482913" else None)
    log.warning(f"failed for {canary}")
    try:
        secret = canary
        raise ValueError(f"wrong number {secret}")
    except ValueError as error:
        log.error("case_failed", exc_info=error)
        log.error("case_failed", exc_info=True)
        logging.getLogger("asyncio").exception("Task failed for %s", canary)
        logging.getLogger("aio_pika").error(f"lost {canary}")
        logging.getLogger("uvicorn.error").error(error)
        logging.getLogger("uvicorn.access").warning('"GET /v1/track/%s"', canary)
    written = capsys.readouterr()
    assert canary not in written.out + written.err
    assert json.dumps(canary)[1:-1] not in written.out + written.err
    assert len(written.out.splitlines()) == 7
    assert dropped("unknown") == before + 2


def test_an_exception_is_its_type_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        try:
            raise KeyError("0912")
        except KeyError as error:
            raise OSError(5, "0912") from error

    try:
        fails()
    except OSError as error:
        log.error("case_failed", exc_info=error)
    written = line(capsys)
    assert (written["error"], written["cause"], written["errno"]) == ("OSError", "KeyError", 5)
    stack = written["stack"]
    assert isinstance(stack, list)
    assert stack[-1].startswith("tests/shared/kit/telemetry/test_logs.py:")
    assert stack[-1].endswith(" fails")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(["consumer", "error", "type", "route", "case_id", "stack", "status", "trace_id", "errors"]),
        st.text() | st.integers() | st.binary() | st.floats() | st.lists(st.text()) | st.none(),
    )
)
def test_whatever_a_field_holds_a_line_is_written_and_holds_no_number_of_a_person(fields: dict[str, object]) -> None:
    kept = json.dumps(allowed(fields | {"job": "0912 1234567", "queue": "sms09121234567"}))
    assert "1234567" not in kept


def test_levels(capsys: pytest.CaptureFixture[str]) -> None:
    log.debug("unseen")
    assert capsys.readouterr().out == ""
    setup_logging("intake", "error")
    log.warning("unseen")
    log.error("seen")
    assert line(capsys)["event"] == "seen"
