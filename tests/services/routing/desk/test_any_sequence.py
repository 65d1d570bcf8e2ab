"""No sequence of calls, texts and strikes of the clock reaches an undefined state, loses a clock or skips an SMS."""

import asyncio
import json
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from services.routing.clocks.domain import LEVELS, RUNNING
from services.routing.clocks.service import tick
from services.sms.templates import _WRITERS
from shared.contracts.envelope import Actor, CaseStatus, Event
from shared.contracts.intake import CaseSupplemented, CaseSupplementedData
from shared.contracts.registry import CASE_STEPS, SMS_STEPS
from shared.contracts.routing import CaseResumed
from shared.contracts.sms import SmsNotSolved, SmsNotSolvedData
from shared.kit.auth import Principal
from shared.kit.ids import uuid7
from shared.kit.outbox import new_event
from shared.kit.sealing import seal
from tests.services.routing.desk.routing import CENTRE, MANAGER, OFFICER, OTHER_OFFICER, Routing, running, staff

T = TypeVar("T")

EDGES: dict[str, set[str]] = {
    "registered": {"assigned", "withdrawn"},
    "assigned": {"assigned", "in_progress", "withdrawn"},
    "reopened": {"assigned", "in_progress", "withdrawn"},
    "in_progress": {"assigned", "awaiting_citizen", "decided", "withdrawn"},
    "awaiting_citizen": {"in_progress", "withdrawn"},
    "decided": {"closed", "reopened"},
    "closed": {"reopened"},
    "withdrawn": set(),
}
SILENT = {"note", "decide", "return", "escalate"}
OF_INTAKE = {"register", "supplement"}
PEOPLE = (OFFICER, OTHER_OFFICER, MANAGER, CENTRE, staff("ela", department="hq"), staff("max", "manager", "hq"))
STEPS: tuple[dict[str, Any], ...] = (
    {"type": "assign", "department_id": "sso-insurance"},
    {"type": "assign", "department_id": "hq", "officer": "ela"},
    {"type": "assign", "department_id": "sso-insurance", "category_id": "sso-insurance.self-insurance"},
    {"type": "refer", "department_id": "hq", "note": "به شما مربوط است."},
    {"type": "refer", "department_id": "sso-insurance", "note": "به ما مربوط نیست."},
    {"type": "accept"},
    {"type": "accept"},
    {"type": "note", "note": "یادداشت"},
    {"type": "request_information", "question": "شمارهٔ کارگاه؟"},
    {"type": "progress", "note": "به شعبه فرستاده شد."},
    {"type": "extend", "days": 3, "reason": "بازرسی زمان می‌برد."},
    {"type": "decide", "outcome": "upheld", "letter_body": "به درخواست شما رسیدگی شد."},
    {"type": "decide", "outcome": "out_of_remit", "letter_body": "در صلاحیت ما نیست."},
    {"type": "approve"},
    {"type": "approve"},
    {"type": "return", "note": "روشن‌تر بنویسید."},
    {"type": "close"},
)


USUAL = [step for step in STEPS if step["type"] in ("accept", "approve")] + [STEPS[11], STEPS[0]]


class ACase(RuleBasedStateMachine):
    """One case, and everybody who can do something to it."""

    runner: ClassVar[asyncio.Runner]
    routing: ClassVar[Routing]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs on the loop that all examples share."""
        return self.runner.run(work)

    @initialize(known=st.booleans(), age=st.sampled_from([0, 10, 60]))
    def file(self, known: bool, age: int) -> None:
        """A case comes, to a department or to triage."""
        changes: dict[str, Any] = {} if known else {"category_id": None, "subject": "سلام", "body": "لطفاً رسیدگی کنید."}
        self.at = datetime.now(UTC)
        self.id: UUID = self.run(self.routing.file(at=self.at - timedelta(days=age), **changes))
        case = self.run(self.routing.case(self.id))
        self.status, self.citizen = case["status"], Principal("citizen", str(case["citizen_id"]))

    @rule(who=st.sampled_from(PEOPLE), step=st.sampled_from(STEPS))
    def step(self, who: Principal, step: dict[str, Any]) -> None:
        """Somebody at the desk tries a step."""
        answer = self.run(self.routing.step(who, self.id, **step))
        assert answer.status_code in (200, 403, 404, 409), answer.text

    @rule()
    def deal_with(self) -> None:
        """The usual next step is taken by whoever may."""
        for step in USUAL:
            for who in PEOPLE:
                if self.run(self.routing.step(who, self.id, **step)).status_code == 200:
                    return

    @rule(what=st.sampled_from([("withdraw", {}), ("reopen", {"reason": "پاسخ کامل نبود."})]))
    def ask(self, what: tuple[str, dict[str, str]]) -> None:
        """The citizen asks for something in the app."""
        path = f"/v1/cases/{self.id}/{what[0]}"
        answer = self.run(self.routing.send(self.citizen, "POST", path, what[1]))
        assert answer.status_code in (200, 409), answer.text

    @rule()
    def text(self) -> None:
        """The citizen texts "not solved"."""
        self._hear(SmsNotSolved, str(uuid7()), SmsNotSolvedData(at=datetime.now(UTC)))

    @rule()
    def add(self) -> None:
        """The citizen adds something, or answers."""
        message = uuid7()
        sealed = seal(self.routing.keys.text, json.dumps({"body": "افزوده"}).encode(), f"text:{message}".encode())
        data = CaseSupplementedData(message_id=message, supplemented_at=datetime.now(UTC), text_sealed=sealed)
        self._hear(CaseSupplemented, str(self.id), data)

    @rule(days=st.integers(0, 80))
    def wait(self, days: int) -> None:
        """Time goes on."""
        self.at += timedelta(days=days)
        self.run(tick(self.routing.database, self.at))

    def _hear(self, kind: type[Event], subject: str, data: object) -> None:
        actor = Actor(kind="citizen")
        event = new_event(kind, subject=subject, sequence=1, actor=actor, case_id=self.id, data=data)
        self.run(self.routing.hear(event))

    @invariant()
    def is_defined(self) -> None:
        """The status is one of the contract, reached by an edge of the design."""
        case = self.run(self.routing.case(self.id))
        assert case["status"] in get_args(CaseStatus)
        assert case["status"] == self.status or case["status"] in EDGES[self.status]
        assert case["decision"] is None or case["status"] == "in_progress"
        assert (case["department_id"] is None) == (case["status"] == "registered" or case["due_at"] is None)
        self.status = case["status"]

    @invariant()
    def has_its_clock(self) -> None:
        """A running case has a date and its next strike, one in triage a strike; any other has none; only a question
        stops the clock."""
        case = self.run(self.routing.case(self.id))
        if case["status"] in RUNNING:
            assert case["due_at"] is not None
        if case["status"] in RUNNING | {"registered"}:
            assert (case["next_clock_at"] is None) == (case["escalation"] == len(LEVELS))
        else:
            assert case["next_clock_at"] is None
        assert (case["paused_at"] is not None) == (case["status"] == "awaiting_citizen")

    @invariant()
    def is_told(self) -> None:
        """Every step but the silent ones has exactly one event, numbered without gaps, and sms hears it."""
        steps = [step for step in self.run(self.routing.steps(self.id)) if step["type"] not in OF_INTAKE]
        for step in steps:
            assert (step["event_id"] is None) == (step["type"] in SILENT), step["type"]
        query = "SELECT event_id, type, body FROM outbox WHERE case_id = $1 ORDER BY id"
        events = self.run(self.routing.sql.fetch(query, self.id))
        assert sorted(e["event_id"] for e in events) == sorted(s["event_id"] for s in steps if s["event_id"])
        assert [json.loads(e["body"])["sequence"] for e in events] == list(range(1, len(events) + 1))
        assert {e["type"] for e in events} <= {kind.TYPE for kind in SMS_STEPS.events}


def test_no_sequence_of_calls_breaks_a_case(dsn: str, tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        context = running(dsn, tmp_path)
        ACase.runner, ACase.routing = runner, runner.run(context.__aenter__())
        try:
            for person in PEOPLE[4:]:
                runner.run(ACase.routing.tell(person))
            run_state_machine_as_test(ACase, settings=settings(max_examples=12, stateful_step_count=25))
        finally:
            runner.run(context.__aexit__(None, None, None))


def test_every_step_that_is_told_has_its_text() -> None:
    assert set(CASE_STEPS) - _WRITERS.keys() == {CaseResumed}
