"""One trace from the POST of a case to the SMS, through HTTP, outbox, broker and consumers; an id on every answer."""

import json
import secrets
from typing import Any

import pytest

from deploy.local.client import System, complaint, wait_for
from tests.e2e.journeys import a_mobile

pytestmark = pytest.mark.e2e


def test_one_trace_from_the_post_to_the_sms(system: System) -> None:
    citizen = system.citizen(a_mobile())
    trace = secrets.token_hex(16)
    answer = citizen.request(
        "POST",
        "/v1/cases",
        json=complaint(),
        headers={"Idempotency-Key": trace, "traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"},
    )
    assert answer.status_code == 201
    assert answer.headers["traceparent"].split("-")[1] == trace

    def whole() -> list[dict[str, Any]] | None:
        """The trace's spans, once both texts are sent and no span's parent is still to come but the caller's own:
        each process writes its spans a moment after they ended."""
        lines = (system.base / "trace.jsonl").read_text().splitlines()
        found = [span for span in map(json.loads, lines) if span["trace_id"] == trace]
        sent = [span for span in found if span["service"] == "sms" and span["name"] == "send sms"]
        own = {span["span_id"] for span in found}
        orphans = [span["name"] for span in found if span["parent_id"] not in own]
        return found if len(sent) == 2 and len(orphans) == 1 else None

    found = wait_for(whole, "one trace without a hole, with both texts")
    assert {span["service"] for span in found} >= {"gateway", "intake", "routing", "sms"}


@pytest.mark.parametrize("path", ["/healthz", "/v1/me", "/nothing", "/v1/track/XXXXXXXXXXX"])
def test_every_answer_has_a_request_id(system: System, path: str) -> None:
    assert system.http.get(path).headers["x-request-id"]
    assert system.http.get(path, headers={"X-Request-Id": "abc-123456"}).headers["x-request-id"] == "abc-123456"


@pytest.mark.parametrize("poison", ["\\xff\\xfe", "00-0-0-00", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "x" * 5000])
def test_a_poisoned_traceparent_harms_nothing(system: System, poison: str) -> None:
    answer = system.http.get("/v1/reference/provinces", headers={"traceparent": poison})
    assert answer.status_code == 200
    assert answer.headers["traceparent"] != poison
