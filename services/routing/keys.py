"""The keys routing holds: of the complaint's text, of what an officer tells the citizen, and of the letter's text."""

from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import orjson

from shared.kit.sealing import KeyRing, open_sealed, seal
from shared.kit.settings import ServiceSettings


@dataclass(frozen=True)
class RoutingKeys:
    """``text`` is shared with intake, ``step`` with intake and sms, ``letter`` with letters."""

    text: KeyRing
    step: KeyRing
    letter: KeyRing

    @classmethod
    def load(cls, settings: ServiceSettings) -> Self:
        """Reads the rings from the keys' folder; SealError if one is missing."""
        return cls(text=settings.ring("text"), step=settings.ring("step"), letter=settings.ring("letter"))

    def open_text(self, owner: UUID, sealed: str) -> dict[str, Any]:
        """``{"subject", "body"}`` of a case, ``{"body"}`` of a message; ``owner`` is the case's or message's id."""
        text: dict[str, Any] = orjson.loads(open_sealed(self.text, sealed, b"text:" + str(owner).encode()))
        return text

    def seal_note(self, case_id: UUID, note: str) -> str:
        """What an officer tells the citizen, for intake and sms."""
        return seal(self.step, orjson.dumps({"text": note}), b"step:" + str(case_id).encode())

    def seal_letter(self, case_id: UUID, letter: dict[str, Any]) -> str:
        """The letter's text, for letters."""
        return seal(self.letter, orjson.dumps(letter), b"letter:" + str(case_id).encode())
