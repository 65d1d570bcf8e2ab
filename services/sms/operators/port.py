"""What the service asks of an operator, whichever way it is reached (SMPP, HTTP)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Protocol


class Urgency(IntEnum):
    """Who goes first when the operator is slower than we are; one class keeps the order it was given in."""

    OTP = 0
    STEP = 1
    BULK = 2


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One text to one phone.

    ``client_id`` (at most 60 ASCII characters, ours and unique) is the text's name in every later question about it.
    ``recipient`` is an E.164 number. ``accepted`` are the parts (from 1) that the operator already took in an earlier
    attempt, with its ids for them: they are not sent again.
    """

    client_id: str
    recipient: str = field(repr=False)
    text: str = field(repr=False)
    urgency: Urgency = Urgency.STEP
    accepted: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The operator took every part; ``provider_ids`` are its names for them, in their order."""

    provider_ids: tuple[str, ...]

    @property
    def parts(self) -> int:
        """How many short messages the text became, which is what is paid for."""
        return len(self.provider_ids)


@dataclass(frozen=True, slots=True)
class Rejected:
    """The operator will not carry this text, now or later; ``code`` is its reason, as it names it."""

    code: str


@dataclass(frozen=True, slots=True)
class Transient:
    """Nothing but ``accepted`` left us, or the operator put the rest off: send again in ``retry_after`` seconds."""

    reason: str
    retry_after: float
    accepted: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """A part may or may not have been taken: never send it again before ``find_by_client_id`` has answered."""

    accepted: Mapping[int, str] = field(default_factory=dict)


Outcome = Accepted | Rejected | Transient | OutcomeUnknown


@dataclass(frozen=True, slots=True)
class Found:
    """The parts (from 1) that the operator holds, with its ids; none of them: it never took the text."""

    provider_ids: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class CannotTell:
    """The operator was not reached, or cannot be asked by our id: wait for its delivery reports."""

    reason: str


class ReportState(StrEnum):
    """How far a part came, in the words of our own states; ``UNKNOWN`` says that the operator does not know."""

    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERABLE = "undeliverable"
    EXPIRED = "expired"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Report:
    """A delivery report on one part. Reports come late, twice and out of order, even before ``send`` has returned.

    ``at`` is the operator's time (aware, often to the minute only) or None, ``error`` its code for a failure, and
    ``reference`` the 16-bit number that ``send`` gave the part, where the operator echoes it.
    """

    provider_id: str
    state: ReportState
    at: datetime | None = None
    error: str | None = None
    reference: int | None = None


@dataclass(frozen=True, slots=True)
class PartOf:
    """Where an inbound short message stands in a longer text: ``number`` (from 1) of ``total``, by ``reference``."""

    reference: int
    total: int
    number: int


@dataclass(frozen=True, slots=True)
class Inbound:
    """A short message from a phone (``sender``, E.164 where the operator says so) to one of our numbers."""

    sender: str = field(repr=False)
    recipient: str
    text: str = field(repr=False)
    part: PartOf | None = None


OnReport = Callable[[Report], Awaitable[None]]
"""Returns when the report is kept for good; raising makes the operator bring it again."""

OnInbound = Callable[[Inbound], Awaitable[None]]
"""As ``OnReport``, for texts from phones."""


class Operator(Protocol):
    """A way to phones. ``run`` keeps the connection until cancelled; the other calls may come at any time."""

    name: str

    @property
    def ready(self) -> bool:
        """Whether a text given now would leave at once."""
        ...

    async def run(self) -> None:
        """Connects, reconnects, receives reports and texts; ends in good order when cancelled."""
        ...

    async def send(self, message: Outgoing) -> Outcome:
        """Hands the text over. Never raises for what the operator or the network does; ValueError for a text or
        number that cannot be sent at all."""
        ...

    async def find_by_client_id(self, client_id: str, parts: int) -> Found | CannotTell:
        """Which of the ``parts`` sent under ``client_id`` the operator holds.

        Ask no sooner than the response timeout after the ``OutcomeUnknown``: what was on its way has arrived by then.
        """
        ...

    async def status(self, provider_ids: Sequence[str]) -> Mapping[str, Report]:
        """What the operator says now of its ids; one that it does not know, or does not answer for, is left out."""
        ...
