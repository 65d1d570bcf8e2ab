"""All events by their type, and who hears which: the one place that says what travels and where to."""

import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from shared.contracts import gateway, intake, integrity, letters, routing, sms
from shared.contracts.envelope import Event

EVENTS: dict[str, type[Event]] = {
    kind.TYPE: kind
    for module in (gateway, intake, routing, sms, letters, integrity)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
}


class UnknownEvent(ValueError):
    """The type, or its version, is none that this build knows."""


def parse(body: bytes) -> Event:
    """An event from its JSON. Raises ``UnknownEvent`` for a foreign type, ``ValueError`` for a wrong shape; neither
    message carries any of the content."""
    try:
        raw: Any = json.loads(body)
    except ValueError as error:
        raise ValueError("not JSON") from error
    name = raw.get("type") if isinstance(raw, dict) else None
    kind = EVENTS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise UnknownEvent("unknown event type")
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        places = ", ".join(sorted({".".join(map(str, e["loc"])) for e in error.errors(include_input=False)}))
        raise ValueError(f"not of the shape of {kind.TYPE}: {places}") from None


@dataclass(frozen=True)
class Queue:
    """A consumer's queue. ``partitions`` > 0 splits it by case, each part with one active consumer, so that what
    concerns one case is handled in order across all workers."""

    name: str
    events: tuple[type[Event], ...]
    partitions: int = 0

    @property
    def service(self) -> str:
        """The service whose queue it is."""
        return self.name.partition(".")[0]

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the queues at the broker."""
        return tuple(f"{self.name}.{n}" for n in range(self.partitions)) or (self.name,)


CASE_STEPS: tuple[type[Event], ...] = (
    routing.CaseAssigned,
    routing.CaseReferred,
    routing.CaseAccepted,
    routing.CaseInformationRequested,
    routing.CaseResumed,
    routing.CaseProgressed,
    routing.CaseExtended,
    routing.CaseOverdue,
    routing.CaseDecided,
    routing.CaseClosed,
    routing.CaseMerged,
    routing.CaseReopened,
    routing.CaseReopeningRefused,
    routing.CaseWithdrawn,
    routing.CaseMoved,
)
LETTER_STEPS: tuple[type[Event], ...] = (
    letters.LetterIssued,
    letters.LetterHandedOver,
    letters.LetterDelivered,
    letters.LetterReturned,
)

INTAKE_TIMELINE = Queue(
    "intake.timeline", (*CASE_STEPS, *LETTER_STEPS, sms.SmsSent, sms.SmsDelivered, sms.SmsUndelivered)
)
INTAKE_DIRECTORY = Queue("intake.directory", (routing.DirectoryChanged,))
INTAKE_MOVES = Queue("intake.moves", (routing.CaseMoved,))
ROUTING_CASES = Queue(
    "routing.cases",
    (
        intake.CaseRegistered,
        intake.CaseSupplemented,
        intake.CaseRated,
        intake.ContactShown,
        letters.LetterIssued,
        sms.SmsNotSolved,
    ),
)
ROUTING_SMS = Queue("routing.sms", (sms.SmsSent, sms.SmsDelivered, sms.SmsUndelivered))
SMS_STEPS = Queue(
    "sms.steps",
    (intake.CaseRegistered, intake.CaseSupplemented, intake.ContactChanged, *CASE_STEPS, *LETTER_STEPS),
    partitions=4,
)
SMS_OTP = Queue("sms.otp", (gateway.OtpRequested,))
SMS_NOTICES = Queue("sms.notices", (integrity.NoticeRequested,))
INTEGRITY_DIRECTORY = Queue("integrity.directory", (routing.DirectoryChanged,))
INTEGRITY_ZRM = Queue(
    "integrity.zrm",
    (*(kind for name, kind in sorted(EVENTS.items()) if name.startswith("case.")), *LETTER_STEPS),
)
INTEGRITY_MOVES = Queue("integrity.moves", (intake.CaseHandedOver,))
SMS_TOPICS = Queue("sms.topics", (routing.TopicDecided,))
LETTERS_CASES = Queue(
    "letters.cases", (intake.CaseRegistered, intake.ContactChanged, routing.CaseDecided, routing.CaseMoved)
)
LETTERS_LOG = Queue("letters.log", (integrity.LogRooted,))

QUEUES: tuple[Queue, ...] = (
    INTAKE_TIMELINE,
    INTAKE_DIRECTORY,
    INTAKE_MOVES,
    ROUTING_CASES,
    ROUTING_SMS,
    SMS_STEPS,
    SMS_OTP,
    SMS_NOTICES,
    INTEGRITY_DIRECTORY,
    INTEGRITY_ZRM,
    INTEGRITY_MOVES,
    SMS_TOPICS,
    LETTERS_CASES,
    LETTERS_LOG,
)

HEARD: frozenset[str] = frozenset(kind.TYPE for queue in QUEUES for kind in queue.events)
"""Types that at least one queue is bound to; an event of another type is only archived."""
