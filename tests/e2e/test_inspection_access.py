"""Who gets in where reports of corruption are: every route of the gateway's table against every kind of wrong caller.

A route that is added without a line in ``RULES`` fails here.
"""

import json
import re
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from deploy.local.client import Caller, System
from gateway.routes import ROUTES
from services.integrity.reports.content import seal_field
from tests.e2e.journeys import a_mobile

pytestmark = pytest.mark.e2e

PREFIXES = ("/v1/inspect", "/v1/reports/mine")
Key = tuple[str, str]


@dataclass(frozen=True)
class Rule:
    """``welcome``: callers who get an answer, which must not tell of the report; everybody else is refused."""

    body: dict[str, Any] | None = None
    welcome: frozenset[str] = frozenset()


INSPECTORS = frozenset({"of another province", "of the accused body", "recused"})
CUSTODIANS = frozenset({"custodian"})
_STEP = {"type": "acknowledge"}
_ASK = {"reason": "می‌خواهم بدانم", "holder": "supervisor"}

RULES: dict[Key, Rule] = {
    ("PUT", "/v1/inspect/keys/me"): Rule({"recipient": "age1wrong"}),
    ("GET", "/v1/inspect/keys"): Rule(welcome=INSPECTORS | CUSTODIANS),
    ("DELETE", "/v1/inspect/keys/{username}"): Rule(),
    ("GET", "/v1/inspect/reports"): Rule(welcome=INSPECTORS),
    ("GET", "/v1/inspect/reports/{report_id}"): Rule(),
    ("GET", "/v1/inspect/reports/{report_id}/attachments/{n}"): Rule(),
    ("POST", "/v1/inspect/reports/{report_id}/steps"): Rule(_STEP),
    ("GET", "/v1/inspect/custody"): Rule(welcome=CUSTODIANS),
    ("GET", "/v1/inspect/reports/{report_id}/identity"): Rule(),
    ("POST", "/v1/inspect/reports/{report_id}/identity"): Rule({"reason": "می‌خواهم بدانم"}),
    ("GET", "/v1/inspect/reports/{report_id}/recovery"): Rule(welcome=CUSTODIANS),
    ("POST", "/v1/inspect/reports/{report_id}/recovery"): Rule(_ASK, welcome=CUSTODIANS),
    ("GET", "/v1/inspect/summary"): Rule(),
    ("GET", "/v1/reports/mine"): Rule(),
    ("POST", "/v1/reports/mine/messages"): Rule({"body": "پیام دیگری"}),
}

STEPS: list[dict[str, Any]] = [
    {"type": "acknowledge"},
    {"type": "triage", "priority": "low", "admissible": True, "note": "x"},
    {"type": "recuse", "reason": "x"},
    {"type": "investigate", "note": "x"},
    {"type": "evidence", "note": "x"},
    {"type": "message", "body": "x"},
    {"type": "finding", "substantiated": True, "text": "x"},
    {"type": "decide", "to": "none", "text": "x"},
    {"type": "close", "reason": "x"},
    {"type": "reopen", "reason": "x"},
]


class Public(Caller):
    """Somebody without a token."""

    def __init__(self, http: httpx.Client) -> None:
        super().__init__(http, "")

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer, whatever it is."""
        return self.http.request(method, path, **options)


@dataclass(frozen=True)
class Scene:
    """A report about a body, on which the inspector of its province recused herself, and everybody who may not."""

    report_no: str
    report_id: str
    callers: dict[str, Caller]


@pytest.fixture(scope="module")
def scene(system: System) -> Scene:
    """The report, and the callers by what is wrong with them."""
    filed = system.report(organisation_id="sso", province="IR-23")
    supervisor, inspector = system.office("supervisor"), system.office("inspector.tehran")
    item = next(item for item in supervisor.reports() if item["report_no"] == filed["report_no"])
    inspector.step(inspector.read(item["id"]), type="recuse", reason="خویشاوند")
    other = system.report(organisation_id="sso", province="IR-23")
    partner = json.loads((system.base / "demo-partner.json").read_text())
    form = {"grant_type": "client_credentials", **partner}
    token = system.http.post("/v1/auth/token", data=form).raise_for_status().json()["access_token"]
    callers = {
        "public": Public(system.http),
        "with a forged token": Caller(system.http, "eyJhbGciOiJub25lIn0.e30."),
        "citizen": system.citizen(a_mobile()),
        "partner": Caller(system.http, token),
        "another report's reporter": system.reporter(other["receipt_code"]),
        "officer": system.staff("officer.sso-insurance"),
        "manager": system.staff("manager.sso-insurance"),
        "centre": system.staff("centre"),
        "group": system.staff("group"),
        "operator": system.staff("operator"),
        "admin": system.staff("admin"),
        "of another province": system.staff("inspector.khuzestan"),
        "of the accused body": system.staff("inspector.sso-insurance"),
        "recused": system.staff("inspector.tehran"),
        "custodian": system.staff("custodian.1"),
    }
    return Scene(filed["report_no"], item["id"], callers)


def _call(caller: Caller, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, str]:
    headers = {"If-Match": "*", "Idempotency-Key": str(uuid.uuid4())}
    answer = caller.request(method, path, json=body, headers=headers)
    return answer.status_code, answer.text


def test_every_route_has_a_rule() -> None:
    table = {(route.method, route.template) for route in ROUTES if route.template.startswith(PREFIXES)}
    assert table == RULES.keys()


@pytest.mark.parametrize("key", sorted(RULES), ids=" ".join)
def test_nobody_gets_in_who_may_not(scene: Scene, key: Key) -> None:
    rule, (method, template) = RULES[key], key
    path = template.replace("{report_id}", scene.report_id).replace("{n}", "1")
    path = path.replace("{username}", "custodian.5")
    for name, caller in scene.callers.items():
        if template.startswith("/v1/reports/mine") and name == "another report's reporter":
            continue  # whose own it is: see below
        if key == ("PUT", "/v1/inspect/keys/me") and name in INSPECTORS | CUSTODIANS:
            continue  # everybody registers their own key, and nobody another's
        status, text = _call(caller, method, path, rule.body)
        assert scene.report_no not in text or name in rule.welcome & CUSTODIANS, name
        if name in rule.welcome:
            # a custodian holds shares of every report: what is asked of them is a step, and it opens nothing
            assert status in (200, 422), (name, text)
        else:
            assert status in ((401,) if name in ("public", "with a forged token") else (403, 404)), (name, status)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step["type"])
def test_no_step_is_taken_by_who_may_not(scene: Scene, step: dict[str, Any]) -> None:
    path = f"/v1/inspect/reports/{scene.report_id}/steps"
    for name, caller in scene.callers.items():
        status, text = _call(caller, "POST", path, step)
        assert status in (401, 403, 404), (name, status)
        assert scene.report_no not in text


def test_nobody_grants_a_report_to_themselves(system: System, scene: Scene) -> None:
    grant = seal_field("x", [system.office("inspector.khuzestan").keys[0].recipient])
    path = f"/v1/inspect/reports/{scene.report_id}/steps"
    for step in (
        {"type": "assign", "inspector": "inspector.khuzestan", "grant": grant},
        {"type": "grant", "holder": "inspector.khuzestan", "grant": grant},
    ):
        for name, caller in scene.callers.items():
            assert _call(caller, "POST", path, step)[0] in (401, 403, 404), name


def test_a_reporters_token_is_for_their_report_alone(scene: Scene) -> None:
    reporter = scene.callers["another report's reporter"]
    mine = reporter.get("/v1/reports/mine")
    assert mine["report_no"] != scene.report_no
    for route in ROUTES:
        if "reporter" in route.kinds or route.template.startswith("/v1/auth"):
            continue
        path = re.sub(r"\{\w+\*?\}", scene.report_id, route.template)
        status = _call(reporter, route.method, path, {})[0]
        assert status in (401, 403, 404), (route.method, route.template, status)


def test_a_report_that_is_not_there_and_one_out_of_reach_look_alike(scene: Scene) -> None:
    stranger = scene.callers["of another province"]
    there = stranger.request("GET", f"/v1/inspect/reports/{scene.report_id}")
    nowhere = stranger.request("GET", f"/v1/inspect/reports/{uuid.uuid4()}")
    assert (there.status_code, there.json()) == (nowhere.status_code, nowhere.json())
    assert there.status_code == 404


def test_the_supervisor_sees_that_nobody_got_in(system: System, scene: Scene) -> None:
    supervisor = system.office("supervisor")
    opened = supervisor.read(scene.report_id)
    types = [step["type"] for step in opened.document["steps"]]
    assert {reading["by"] for reading in opened.document["readings"]} == {"inspector.tehran", "supervisor"}
    asked = {step["actor"] for step in opened.document["steps"] if step["type"] == "recovery_asked"}
    assert asked <= {"custodian.1"}
    assert not set(types) & {"acknowledge", "triage", "assign", "grant", "message", "identity_asked"}
