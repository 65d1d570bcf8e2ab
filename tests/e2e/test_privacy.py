"""Canaries: unique strings in every personal field, looked for wherever they must not be."""

import subprocess
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from deploy.local.client import System, complaint, wait_for
from deploy.local.packages import postgres_bin
from tests.e2e.journeys import a_mobile, accepted, at_desk, letter_of

pytestmark = pytest.mark.e2e

SERVICES = ("intake", "routing", "sms", "letters", "integrity", "gateway")

# nobody but intake, sms and letters may know these, and they only sealed
PERSON = {
    "name": "قناری‌نام ژیان",
    "line": "کوچهٔ قناری‌نشانی پلاک ۷۷",
    "national_id": "0790419904",
    "postal": "1357924680",
}
# these the desk reads and searches
WORDS = {
    "subject": "قناری‌موضوع",
    "body": "قناری‌متن دراز و روشن",
    "message": "قناری‌پیام من",
    "question": "قناری‌پرسش شما",
    "note": "قناری‌یادداشت درونی",
    "letter": "قناری‌نامه به شما",
}


@pytest.fixture(scope="module")
def mobile() -> str:
    return a_mobile()


@pytest.fixture(scope="module")
def events(system: System, mobile: str) -> list[str]:
    """Plays a case full of canaries; the events that RabbitMQ carried meanwhile."""
    url = urlsplit(system.run["rabbitmq"])
    vhost = url.path.lstrip("/") or "%2F"
    with httpx.Client(base_url=system.run["management"], timeout=20, trust_env=False) as broker:
        broker.put(f"/api/queues/{vhost}/canaries", json={"durable": False, "auto_delete": False}).raise_for_status()
        broker.post(f"/api/bindings/{vhost}/e/seda.events/q/canaries", json={"routing_key": "#"}).raise_for_status()
        _play(system, mobile)
        got: list[dict[str, Any]] = (
            broker.post(
                f"/api/queues/{vhost}/canaries/get",
                json={"count": 1000, "ackmode": "ack_requeue_false", "encoding": "auto"},
            )
            .raise_for_status()
            .json()
        )
        broker.delete(f"/api/queues/{vhost}/canaries").raise_for_status()
    return [str(message["payload"]) + str(message["properties"]) for message in got]


def _play(system: System, mobile: str) -> None:
    citizen = system.citizen(mobile)
    base = complaint()
    person = {
        "full_name": PERSON["name"],
        "national_id": PERSON["national_id"],
        "postal_address": {
            "province": "IR-23",
            "city": "تهران",
            "line": PERSON["line"],
            "postal_code": PERSON["postal"],
        },
    }
    case = citizen.post("/v1/cases", {**base, "subject": WORDS["subject"], "body": WORDS["body"], "citizen": person})
    officer = accepted(system, case["id"])
    officer.step(case["id"], type="note", note=WORDS["note"])
    officer.step(case["id"], type="request_information", question=WORDS["question"])
    citizen.post(f"/v1/cases/{case['id']}/messages", {"body": WORDS["message"]})
    wait_for(lambda: at_desk(officer, case["id"], "in_progress"), "the answer")
    officer.step(case["id"], type="decide", outcome="upheld", letter_body=WORDS["letter"])
    system.staff("manager.sso-insurance").step(case["id"], type="approve")
    wait_for(lambda: letter_of(citizen, case["id"]), "the letter")
    wait_for(lambda: True if len(system.phone(mobile)) >= 8 else None, "the texts")


def _all(mobile: str) -> dict[str, str]:
    return {**PERSON, **WORDS, "mobile": mobile.removeprefix("+98")}


def test_no_event_holds_a_canary(events: list[str], mobile: str) -> None:
    kinds = {"case.registered.v1", "case.information_requested.v1", "case.decided.v1", "letter.issued.v1"}
    assert all(any(kind in event for event in events) for kind in kinds), "the events were not seen at all"
    for name, canary in _all(mobile).items():
        assert not any(canary in event for event in events), name


def test_no_log_holds_a_canary(system: System, events: list[str], mobile: str) -> None:
    assert events
    logs = {path.name: path.read_text(errors="replace") for path in (system.base / "logs").glob("*.log")}
    assert {"gateway.log", "intake.log", "sms.log"} <= logs.keys()
    for name, canary in _all(mobile).items():
        assert not [log for log, text in logs.items() if canary in text], name


def test_no_metric_holds_a_canary(system: System, events: list[str], mobile: str) -> None:
    assert events
    for url in [system.run["gateway"], *system.run["services"].values()]:
        metrics = httpx.get(f"{url}/metrics", trust_env=False).raise_for_status().text
        assert "seda_http_requests" in metrics
        for name, canary in _all(mobile).items():
            assert canary not in metrics, name


@pytest.mark.parametrize("service", SERVICES)
def test_no_database_holds_a_person_in_the_clear(system: System, events: list[str], mobile: str, service: str) -> None:
    assert events
    programs = postgres_bin()
    assert programs is not None
    dump = subprocess.run(
        [programs / "pg_dump", "--data-only", f"{system.run['postgres']}/seda_{service}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    clear = _all(mobile) if service != "routing" else {**PERSON, "mobile": mobile.removeprefix("+98")}
    for name, canary in clear.items():
        assert canary not in dump, name


@pytest.mark.parametrize("service", SERVICES)
async def test_no_stored_event_holds_a_canary(system: System, events: list[str], mobile: str, service: str) -> None:
    assert events
    connection = await asyncpg.connect(f"{system.run['postgres']}/seda_{service}")
    try:
        rows = await connection.fetch(
            "SELECT convert_from(body, 'UTF8') AS body FROM event_archive"
            " UNION ALL SELECT convert_from(body, 'UTF8') FROM outbox"
            " UNION ALL SELECT convert_from(body, 'UTF8') FROM parked"
            " UNION ALL SELECT convert_from(body, 'UTF8') FROM waiting"
        )
        kept = await connection.fetchval("SELECT count(*) FROM event_archive WHERE type = 'otp.requested.v1'")
    finally:
        await connection.close()
    assert kept == 0, "login codes are not archived"
    for name, canary in _all(mobile).items():
        assert not any(canary in row["body"] for row in rows), name


def test_an_error_repeats_nothing_of_what_was_sent(system: System, events: list[str], mobile: str) -> None:
    assert events
    citizen = system.citizen(a_mobile())
    wrong = complaint(kind="قناری‌متن", province="قناری‌موضوع", extra="قناری‌پیام")
    wrong["citizen"] = {**wrong["citizen"], "national_id": "0790419905", "mobile": mobile}
    answer = citizen.request("POST", "/v1/cases", json=wrong, headers={"Idempotency-Key": "canary"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    for value in ("قناری", "0790419905", mobile.removeprefix("+98")):
        assert value not in answer.text
