"""What letters tells: the written outcome and its way to the citizen's address."""

from datetime import date
from typing import Literal
from uuid import UUID

from shared.contracts.envelope import Event, Frozen


class LetterData(Frozen):
    """``number`` is the office's own, Latin digits: ``1405/12/34``."""

    letter_id: UUID
    number: str


class LetterIssuedData(LetterData):
    """``issued_on`` is a Gregorian date in Tehran; ``supersedes`` is the number of the letter that it replaces."""

    decision_no: int
    issued_on: date
    sha256: str
    supersedes: str | None = None


class LetterIssued(Event):
    """A letter is numbered, signed and archived."""

    type: Literal["letter.issued.v1"] = "letter.issued.v1"
    source: Literal["letters"] = "letters"
    data: LetterIssuedData


class LetterHandedOver(Event):
    """The post has the letter."""

    type: Literal["letter.handed_over.v1"] = "letter.handed_over.v1"
    source: Literal["letters"] = "letters"
    data: LetterData


class LetterDelivered(Event):
    """The letter reached the address."""

    type: Literal["letter.delivered.v1"] = "letter.delivered.v1"
    source: Literal["letters"] = "letters"
    data: LetterData


class LetterReturnedData(LetterData):
    """``reason`` is a code of the post."""

    reason: Literal["unknown_address", "moved", "refused", "unclaimed", "other"]


class LetterReturned(Event):
    """The post brought the letter back."""

    type: Literal["letter.returned.v1"] = "letter.returned.v1"
    source: Literal["letters"] = "letters"
    data: LetterReturnedData
