"""What becomes of a case: the steps that the service would have taken, and the rows that they would have left.

Each method does to the columns what the move of the same name in ``services/routing/desk/moves.py`` does, and the
clocks are those of ``services/routing/clocks``. A test holds a case that the service made against one from here.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import orjson

from deploy.synthetic.country import Filing
from services.routing.clocks.domain import LEVELS, OVERDUE, Term, next_strike
from shared.kit.sealing import KeyRing, seal
from shared.persian.calendar import CALENDAR

Row = dict[str, Any]

_PROGRESS = ("پرونده به شعبه فرستاده شد.", "بازدید از کارگاه انجام شد.", "موضوع در نوبت کمیسیون است.")
_QUESTION = "لطفاً شمارهٔ بیمه و نام کارگاه را بفرستید."
_REASON = "گرفتن پاسخ از دستگاه دیگر زمان می‌برد."
_ANSWER = "شماره و نام کارگاه را در پیوست نوشتم."
_LETTER = "به موضوع درخواست شما رسیدگی شد و نتیجه در سامانه ثبت گردید."
_OUTCOMES = ("upheld", "upheld", "partly_upheld", "not_upheld", "answered", "answered", "accepted")


def uuid7_at(moment: datetime, chance: Random) -> UUID:
    """A UUIDv7 of another time than now."""
    milliseconds = int(moment.timestamp() * 1000)
    number = milliseconds << 80 | 7 << 76 | chance.getrandbits(12) << 64 | 2 << 62 | chance.getrandbits(62)
    return UUID(int=number)


@dataclass
class Life:
    """A case on its way. ``steps``, ``timeline`` and ``messages`` are rows; ``due`` the promised date."""

    chance: Random
    filing: Filing
    now: datetime
    step_key: KeyRing
    text_key: KeyRing
    id: UUID = field(init=False)
    event_id: UUID = field(init=False)
    status: str = "registered"
    assignee: str | None = None
    due: datetime | None = None
    days: int = 0
    start: datetime = field(init=False)
    extended: bool = False
    paused_at: datetime | None = None
    escalation: int = 0
    decision: dict[str, Any] | None = None
    decision_no: int = 0
    decided_at: datetime | None = None
    decided_by: list[str] = field(default_factory=list)
    outcome: str | None = None
    reopened_at: datetime | None = None
    rating: int | None = None
    rated_at: datetime | None = None
    version: int = 1
    sequence: int = 0
    of_intake: int = 1
    last_event_id: UUID = field(init=False)
    steps: list[Row] = field(default_factory=list)
    timeline: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        """The registration."""
        self.id = uuid7_at(self.filing.at, self.chance)
        self.event_id = self.last_event_id = uuid7_at(self.filing.at, self.chance)
        self.start = self.filing.at
        self._step("register", self.filing.at, "citizen", event_id=self.event_id)

    @property
    def term(self) -> Term:
        """The clock's view."""
        return Term(self.status, self.start, self.due, self.days, self.escalation)  # type: ignore[arg-type]

    def live(self) -> None:
        """Goes as far as it has come by now."""
        department, sla = self.filing.category.department_id, self.filing.category.sla_days
        self.days, self.due, self.status = sla, CALENDAR.add_working_days(self.start, sla), "assigned"
        self._told("assigned", self.start + timedelta(seconds=2), "system", {"department_id": department})
        if self.chance.random() < 0.02:
            at = self.start + timedelta(hours=self.chance.uniform(1, 60))
            if self._reaches(at):
                self.status = "withdrawn"
                self._told("withdrawn", at, "citizen")
            return
        self._round(self.start, department, sla, "officer")
        if self.decided_at is None or self.chance.random() >= 0.04:
            return
        at = self.decided_at + timedelta(days=self.chance.uniform(1, 20))
        if not self._reaches(at):
            return
        self.start = self.reopened_at = at
        self.days, self.due, self.status = sla, CALENDAR.add_working_days(at, sla), "reopened"
        self.extended, self.escalation, self.assignee = False, 0, None
        self._told("reopened", at, "citizen", note="پاسخ کامل نبود.")
        self._round(at, department, sla, "officer2")

    def next_clock_at(self) -> datetime | None:
        """When the clock strikes next."""
        return next_strike(self.term)

    def _round(self, start: datetime, department: str, sla: int, role: str) -> None:
        """From a department's hands to its answer, or to where it stands now."""
        chance, officer = self.chance, _officer(role, department, self.filing.province)
        whole = timedelta(days=sla * 1.45 * min(chance.lognormvariate(-0.45, 0.5), 3.0))
        at = start + min(timedelta(days=chance.lognormvariate(0.9, 0.9)), whole * 0.5)
        if not self._reaches(at):
            return
        self.status, self.assignee = "in_progress", officer
        self._told("accepted", at, "staff", actor=officer)
        left = start + whole - at
        if chance.random() < 0.15:
            asked, answered = at + left * 0.2, at + left * chance.uniform(0.35, 0.6)
            if not self._asks(asked, answered, officer):
                return
        if chance.random() < 0.3 and self._reaches(at + left * 0.65):
            self._told("progressed", at + left * 0.65, "staff", actor=officer, note=chance.choice(_PROGRESS))
        if self.due is not None and start + whole > self.due and chance.random() < 0.3:
            when = max(at + left * 0.66, self.due - timedelta(days=2))
            if when < start + whole and self._reaches(when):
                self._extends(when, max(1, int(sla * 0.4)), officer)
        written = start + whole
        if not self._reaches(written):
            return
        self.outcome = chance.choice(_OUTCOMES)
        self.decision = {"outcome": self.outcome, "letter_body": _LETTER, "sms_summary": None, "by": officer}
        self.decision |= {"by_title": "کارشناس", "at": written.isoformat()}
        self._step("decide", written, "staff", actor=officer, data={"outcome": self.outcome})
        at = written + timedelta(hours=chance.uniform(2, 40))
        if not self._reaches(at):
            return
        manager = f"manager.{department}"
        kept = {"outcome": self.outcome, "written_by": officer, "letter_body": _LETTER}
        self.status, self.decision, self.decision_no, self.decided_at = "decided", None, self.decision_no + 1, at
        self.decided_by += [officer, manager]
        self._told("decided", at, "staff", data=kept, actor=manager, step="approve")
        if self.rating is None and chance.random() < 0.3 and at + timedelta(days=3) < self.now:
            self.rating, self.rated_at = (
                chance.choice((1, 2, 3, 3, 4, 4, 5, 5)),
                at + timedelta(days=chance.uniform(0.1, 3)),
            )
            self.of_intake += 1
        at += timedelta(days=chance.uniform(7, 20))
        if chance.random() < 0.7 and self._reaches(at):
            self.status = "closed"
            self._told("closed", at, "staff", actor=officer)

    def _asks(self, asked: datetime, answered: datetime, officer: str) -> bool:
        """Asks the citizen, and whether the answer has come."""
        if not self._reaches(asked):
            return False
        self.status, self.paused_at = "awaiting_citizen", asked
        self._told("information_requested", asked, "staff", actor=officer, note=_QUESTION)
        if not self._reaches(answered):
            return False
        message_id, event_id = uuid7_at(answered, self.chance), uuid7_at(answered, self.chance)
        sealed = seal(self.text_key, orjson.dumps({"body": _ANSWER}), b"text:" + str(message_id).encode())
        self.messages.append({"id": message_id, "case_id": self.id, "text_sealed": sealed, "at": answered})
        self.of_intake += 1
        self._shown("intake", self.of_intake, event_id, answered, "supplemented")
        self._step("supplement", answered, "citizen", note=_ANSWER, event_id=event_id)
        if self.due is not None:
            self.due = CALENDAR.due_after_pause(self.due, asked, answered)
        self.status, self.paused_at = "in_progress", None
        self.sequence += 1
        self.last_event_id = uuid7_at(answered, self.chance)
        self._step("resume", answered + timedelta(seconds=1), "system", event_id=self.last_event_id)
        return True

    def _extends(self, at: datetime, days: int, officer: str) -> None:
        if self.due is None:
            return
        self.due, self.days, self.extended = CALENDAR.add_working_days(self.due, days), self.days + days, True
        self._told("extended", at, "staff", actor=officer, note=_REASON, data={"days": days})

    def _reaches(self, at: datetime) -> bool:
        """Lets the clock strike up to ``at``; whether that is not later than now."""
        until = min(at, self.now)
        while (strike := next_strike(self.term)) is not None and strike < until:
            level, share = LEVELS[self.escalation]
            self.escalation += 1
            moment = strike + timedelta(seconds=15)
            if level == OVERDUE:
                self._told("overdue", moment, "system", {"level": level, "share": share})
            else:
                self._step("escalate", moment, "system", data={"level": level, "share": share})
        return at <= self.now

    def _told(
        self,
        event: str,
        at: datetime,
        kind: str,
        data: dict[str, Any] | None = None,
        *,
        actor: str | None = None,
        note: str | None = None,
        step: str | None = None,
    ) -> None:
        """A step that the citizen is told of."""
        self.sequence += 1
        self.last_event_id = uuid7_at(at, self.chance)
        said = event in ("information_requested", "progressed", "extended") and note
        sealed = seal(self.step_key, orjson.dumps({"text": note}), b"step:" + str(self.id).encode()) if said else None
        title = _title(actor)
        self._shown("routing", self.sequence, self.last_event_id, at, event, title, sealed)
        self._step(step or _STEPS[event], at, kind, actor=actor, note=note, data=data, event_id=self.last_event_id)

    def _step(
        self,
        type: str,
        at: datetime,
        kind: str,
        *,
        actor: str | None = None,
        note: str | None = None,
        data: dict[str, Any] | None = None,
        event_id: UUID | None = None,
    ) -> None:
        if type != "register":
            self.version += 1
        self.steps.append(
            {
                "id": uuid7_at(at, self.chance),
                "case_id": self.id,
                "at": at,
                "type": type,
                "actor_kind": kind,
                "actor_id": actor,
                "actor_title": _title(actor),
                "note": note,
                "data": orjson.dumps(data or {}).decode(),
                "event_id": event_id,
            }
        )

    def _shown(
        self,
        producer: str,
        sequence: int,
        event_id: UUID,
        at: datetime,
        step: str,
        actor_title: str | None = None,
        note_sealed: str | None = None,
    ) -> None:
        """A row of the citizen's timeline."""
        self.timeline.append(
            {
                "case_id": self.id,
                "producer": producer,
                "subject": str(self.id),
                "sequence": sequence,
                "event_id": event_id,
                "at": at,
                "step": step,
                "actor_title": actor_title,
                "note_sealed": note_sealed,
            }
        )


def _officer(role: str, department: str, province: str) -> str:
    """The demo's officers are those of Tehran; every other province has its own."""
    return f"{role}.{department}" if province == "IR-23" else f"{role}.{department}.{province.lower()}"


def _title(actor: str | None) -> str | None:
    return None if actor is None else "مدیر" if actor.startswith("manager") else "کارشناس"


_STEPS = {
    "assigned": "assign",
    "accepted": "accept",
    "information_requested": "request_information",
    "progressed": "progress",
    "extended": "extend",
    "overdue": "overdue",
    "closed": "close",
    "reopened": "reopen",
    "withdrawn": "withdraw",
}
