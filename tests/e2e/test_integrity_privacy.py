"""Canaries of a corruption report: unique strings in every field, the whole way played, then looked for everywhere."""

import base64
import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from deploy.local.client import System, complaint, wait_for
from deploy.local.packages import postgres_bin
from services.integrity.inspect import device
from services.integrity.inspect.client import Office
from tests.e2e.journeys import a_mobile, at_desk

pytestmark = pytest.mark.e2e

SERVICES = ("intake", "routing", "sms", "letters", "integrity", "gateway")
FIELDS = (
    *("subject", "narrative", "occurred", "people", "contact", "reporter", "answer", "file"),
    *("triage", "investigate", "evidence", "message", "finding", "outcome", "reference", "prevention"),
    *("recusal", "close", "reopen", "identity_reason", "recovery_reason"),
)
AMOUNT = 918_273_645_546


@dataclass(frozen=True)
class Played:
    """What must be found nowhere, and what RabbitMQ carried meanwhile."""

    canaries: dict[str, str]
    events: list[str]


def canary(field: str) -> str:
    """A string that stands nowhere else, and that cleaning leaves as it is."""
    letter = "بتثجچحخدذرزسشصضطظعغفقکگلمن"[FIELDS.index(field)]
    return f"قناری‌پنهان ژ{letter * 3}ژ"


@pytest.fixture(scope="module")
def played(system: System) -> Played:
    """A report full of canaries, its whole way, and every event meanwhile."""
    url = urlsplit(system.run["rabbitmq"])
    vhost = url.path.lstrip("/") or "%2F"
    with httpx.Client(base_url=system.run["management"], timeout=20, trust_env=False) as broker:
        queue = f"/api/queues/{vhost}/report-canaries"
        broker.put(queue, json={"durable": False, "auto_delete": False}).raise_for_status()
        binding = f"/api/bindings/{vhost}/e/seda.events/q/report-canaries"
        broker.post(binding, json={"routing_key": "#"}).raise_for_status()
        canaries = _play(system)
        time.sleep(1)  # what is told last is on its way; that too little is seen would show below
        asked = {"count": 2000, "ackmode": "ack_requeue_false", "encoding": "auto"}
        got: list[dict[str, Any]] = broker.post(f"{queue}/get", json=asked).raise_for_status().json()
        broker.delete(queue).raise_for_status()
    return Played(canaries, [str(message["payload"]) + str(message["properties"]) for message in got])


def _play(system: System) -> dict[str, str]:
    mobile = a_mobile()
    text = {field: canary(field) for field in FIELDS}
    filed = system.report(
        mode="confidential",
        subject=text["subject"],
        narrative=text["narrative"],
        occurred=text["occurred"],
        people=text["people"],
        amount_rial=AMOUNT,
        contact={"name": text["contact"], "mobile": "0" + mobile.removeprefix("+98"), "notify": True},
    )
    supervisor = system.office("supervisor")
    item = next(item for item in supervisor.reports() if item["report_no"] == filed["report_no"])
    id, inspector = item["id"], system.office(item["inspector"])
    reporter = system.reporter(filed["receipt_code"])
    reporter.post("/v1/reports/mine/messages", {"body": text["reporter"]})
    for step in (
        {"type": "acknowledge"},
        {"type": "triage", "priority": "high", "admissible": True, "note": text["triage"]},
        {"type": "investigate", "note": text["investigate"]},
    ):
        _plain(system, inspector, id, step)
    upload = inspector.upload(f"%PDF-1.7 {text['file']}".encode())
    _plain(system, inspector, id, {"type": "evidence", "note": text["evidence"], "attachments": [upload]})
    _plain(system, inspector, id, {"type": "message", "body": text["message"]})
    reporter.post("/v1/reports/mine/messages", {"body": text["answer"]})
    _custody(system, id, item["inspector"], text)
    _plain(system, inspector, id, {"type": "finding", "substantiated": True, "text": text["finding"]})
    decision = {name: text[name] for name in ("reference", "prevention")}
    _plain(system, inspector, id, {"type": "decide", "to": "judiciary", "text": text["outcome"], **decision})
    _plain(system, inspector, id, {"type": "close", "reason": text["close"]})
    _plain(system, inspector, id, {"type": "reopen", "reason": text["reopen"]})
    _plain(system, inspector, id, {"type": "recuse", "reason": text["recusal"]})
    seen = json.dumps(
        [list(supervisor.read(id).contents.values()), reporter.get("/v1/reports/mine")["messages"]], ensure_ascii=False
    )
    unseen = {field for field in FIELDS if text[field] not in seen}
    assert unseen == {"contact", "file"}, "all of it was there, and the readers read it"
    wait_for(lambda: True if len(system.phone(mobile)) >= 3 else None, "the notices")
    code = filed["receipt_code"]
    personal = {"mobile": mobile.removeprefix("+98"), "code": code, "digits": code.replace(" ", "")}
    return {**text, **personal, **_moved(system), "amount": str(AMOUNT)}


def _moved(system: System) -> dict[str, str]:
    """A case is moved, and its citizen fetches the receipt code: what opens it, and the code."""
    citizen, centre = system.citizen(a_mobile()), system.staff("centre")
    case_id = citizen.post("/v1/cases", complaint())["id"]
    wait_for(lambda: at_desk(centre, case_id, "assigned"), "the assignment")
    centre.step(case_id, type="move", organisation_id="behzisti")

    def asked(path: str, body: dict[str, str], field: str) -> str | None:
        answer = citizen.request("POST", path, json=body)
        return str(answer.json()[field]) if answer.status_code == 200 else None

    claim = wait_for(lambda: asked(f"/v1/cases/{case_id}/receipt", {}, "claim"), "the claim")
    code = wait_for(lambda: asked("/v1/reports/claim", {"claim": claim}, "receipt_code"), "the receipt code")
    assert system.reporter(code).get("/v1/reports/mine")["mode"] == "confidential"
    secret = base64.urlsafe_b64decode(claim + "=").hex()
    return {"claim": claim, "secret of the claim": secret, "moved code": code, "moved digits": code.replace(" ", "")}


def _plain(system: System, office: Office, id: str, step: dict[str, Any]) -> None:
    """A step as a simple client sends it: in the clear, for the service to seal."""
    headers = {**office.headers, "If-Match": "*"}
    system.http.post(f"/v1/inspect/reports/{id}/steps", json=step, headers=headers).raise_for_status()


def _custody(system: System, id: str, holder: str, text: dict[str, str]) -> None:
    """The identity is opened and a key recovered."""
    custodians = [system.office(f"custodian.{n}") for n in range(1, 6)]
    first, second = [custodian for custodian in custodians if custodian.may_open(id, "identity")]
    first.ask(id, "identity", text["identity_reason"])
    second.give(second.openings(id, "identity")[-1], "identity")
    assert device.identity(first.openings(id, "identity")[-1], *first.keys)["name"] == text["contact"]
    custodians[0].ask(id, "recovery", text["recovery_reason"], holder)
    for giver in custodians[1:3]:
        giver.give(giver.openings(id, "recovery")[-1], "recovery")
    custodians[0].finish(custodians[0].openings(id, "recovery")[-1])


def forms(text: str) -> list[bytes]:
    """The ways in which a text may stand somewhere: as it is, in hex, JSON-escaped, and in base64 at each alignment."""
    plain = text.encode()
    encoded = [base64.b64encode(b"x" * skip + plain)[(skip * 8 + 5) // 6 + 1 : -4] for skip in range(3)]
    return [plain, plain.hex().encode(), json.dumps(text).strip('"').encode(), *encoded]


def look(played: Played, haystack: bytes, where: str) -> None:
    """Nothing of the report stands there."""
    for name, text in played.canaries.items():
        assert not [form for form in forms(text) if form in haystack], f"{name} in {where}"


def test_forms_are_found() -> None:
    text = canary("subject")
    for skip in range(3):
        assert any(form in base64.b64encode(b"y" * skip + text.encode() + b"zz") for form in forms(text))
    assert any(form in json.dumps({"a": text}).encode() for form in forms(text))


def test_no_event_holds_anything(played: Played) -> None:
    kinds = {"report.registered.v1", "report.advanced.v1", "notice.requested.v1"}
    assert all(any(kind in event for event in played.events) for kind in kinds), "the events were not seen at all"
    look(played, "\n".join(played.events).encode(), "an event")


@pytest.mark.parametrize("service", SERVICES)
def test_no_database_holds_anything(system: System, played: Played, service: str) -> None:
    programs = postgres_bin()
    assert programs is not None
    command = [str(programs / "pg_dump"), "--data-only", f"{system.run['postgres']}/seda_{service}"]
    look(played, subprocess.run(command, capture_output=True, check=True).stdout, f"the database of {service}")


def test_no_log_holds_anything(system: System, played: Played) -> None:
    logs = list((system.base / "logs").glob("*.log"))
    assert {"gateway.log", "integrity.log", "sms.log"} <= {path.name for path in logs}
    for path in logs:
        look(played, path.read_bytes(), path.name)
        assert b"/v1/inspect" not in path.read_bytes(), "not even that somebody read a report"


def test_no_trace_holds_anything(system: System, played: Played) -> None:
    trace = Path(system.base / "trace.jsonl")
    if trace.exists():
        look(played, trace.read_bytes(), "the trace")
        assert b"/v1/inspect" not in trace.read_bytes()


def test_no_metric_holds_anything(system: System, played: Played) -> None:
    for url in [system.run["gateway"], *system.run["services"].values()]:
        look(played, httpx.get(f"{url}/metrics", trust_env=False).raise_for_status().content, f"{url}/metrics")


def test_no_file_of_the_service_holds_anything(system: System, played: Played) -> None:
    files = [path for name in ("evidence", "uploads") for path in (system.base / name).rglob("*") if path.is_file()]
    assert files, "the evidence lies somewhere"
    for path in files:
        look(played, path.read_bytes(), str(path.relative_to(system.base)))


def test_no_queue_keeps_anything(system: System, played: Played) -> None:
    vhost = urlsplit(system.run["rabbitmq"]).path.lstrip("/") or "%2F"
    with httpx.Client(base_url=system.run["management"], timeout=20, trust_env=False) as broker:
        for queue in broker.get(f"/api/queues/{vhost}").raise_for_status().json():
            asked = {"count": 100, "ackmode": "ack_requeue_true", "encoding": "auto"}
            got = broker.post(f"/api/queues/{vhost}/{queue['name']}/get", json=asked)
            look(played, got.content, queue["name"])


def test_an_error_repeats_nothing(system: System, played: Played) -> None:
    wrong = {"mode": "قناری‌mode", "organisation_id": "قناری‌org", "subject": "ق", "extra": "قناری‌extra"}
    answer = system.http.post("/v1/reports", json=wrong, headers={"Idempotency-Key": "report-canary"})
    assert answer.status_code == 422
    assert "قناری" not in answer.text
    inspector = system.office("inspector.tehran")
    answer = system.http.post(
        "/v1/inspect/reports/قناری/steps", json={"type": "قناری", "note": "قناری"}, headers=inspector.headers
    )
    assert answer.status_code in (400, 404, 422)
    assert "قناری" not in answer.text
