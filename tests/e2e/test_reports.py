"""A corruption report through the gateway of a running system: filed, come back to, and told by SMS, in silence."""

import json
import subprocess
from typing import Any
from uuid import uuid4

import pytest

from deploy.local.client import Caller, System, wait_for
from deploy.local.packages import postgres_bin
from services.integrity.log.policy import Policy
from services.integrity.verify import Verdict, judge
from tests.e2e.journeys import a_mobile
from tests.holders import ensure_holders

pytestmark = pytest.mark.e2e

CANARIES = {
    "name": "قناری‌گزارشگر ژیان",
    "subject": "قناری‌سوژهٔ گزارش",
    "narrative": "قناری‌روایت دراز و روشن از آنچه رخ داد",
    "people": "قناری‌متهم فلانی",
    "message": "قناری‌پیام گزارشگر",
}


@pytest.fixture(scope="module")
def mobile() -> str:
    return a_mobile()


@pytest.fixture(scope="module")
def filed(system: System, mobile: str) -> dict[str, Any]:
    """A confidential report, filed without a login."""
    ensure_holders(system)
    body = {
        "mode": "confidential",
        "organisation_id": "sso",
        "province": "IR-23",
        "subject": CANARIES["subject"],
        "narrative": CANARIES["narrative"],
        "people": CANARIES["people"],
        "contact": {"name": CANARIES["name"], "mobile": "0" + mobile.removeprefix("+98"), "notify": True},
    }
    answer = system.http.post("/v1/reports", json=body, headers={"Idempotency-Key": str(uuid4())})
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest.fixture(scope="module")
def reporter(system: System, filed: dict[str, Any]) -> Caller:
    """The reporter, come back by their receipt code."""
    opened = system.http.post("/v1/reports/session", json={"receipt_code": filed["receipt_code"]})
    assert opened.status_code == 200, opened.text
    return Caller(system.http, opened.json()["access_token"])


def test_the_receipt_is_proven_offline(system: System, filed: dict[str, Any]) -> None:
    policy = Policy.parse(json.loads((system.base / "keys" / "log-policy.json").read_text()))
    assert judge(filed, policy).verdict is Verdict.PROVEN


def test_the_reporter_comes_back_and_writes(reporter: Caller, filed: dict[str, Any]) -> None:
    reporter.post("/v1/reports/mine/messages", {"body": CANARIES["message"]})
    mine = reporter.get("/v1/reports/mine")
    assert mine["report_no"] == filed["report_no"]
    assert [message["body"] for message in mine["messages"]] == [CANARIES["message"]]
    assert reporter.request("GET", "/v1/cases").status_code == 403


def test_the_phone_is_told_that_there_is_something_and_no_more(
    system: System, filed: dict[str, Any], mobile: str
) -> None:
    texts = wait_for(lambda: system.phone(mobile) or None, "the notice")
    assert [text["text"] for text in texts] == ["پیام تازه‌ای برای شما در سامانهٔ صدا هست."]


def test_nothing_of_it_stands_anywhere_in_the_clear(
    system: System, filed: dict[str, Any], reporter: Caller, mobile: str
) -> None:
    secrets = [
        *CANARIES.values(),
        mobile.removeprefix("+98"),
        filed["receipt_code"],
        filed["receipt_code"].replace(" ", ""),
    ]
    logs = {path.name: path.read_text(errors="replace") for path in (system.base / "logs").glob("*.log")}
    for name, log in logs.items():
        assert not [secret for secret in secrets if secret in log], name
        assert "/v1/reports" not in log, f"{name} tells who asked about reports"
    trace = system.base / "trace.jsonl"
    if trace.exists():
        assert "/v1/reports" not in trace.read_text(errors="replace")
    programs = postgres_bin()
    assert programs is not None
    for service in ("integrity", "sms", "gateway", "intake", "routing", "letters"):
        command = [str(programs / "pg_dump"), "--data-only", f"{system.run['postgres']}/seda_{service}"]
        dump = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert not [secret for secret in secrets if secret in dump], service
