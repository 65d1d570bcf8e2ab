"""The keys intake holds: those of contact, text and steps, and the one that names a citizen."""

from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import orjson

from shared.kit.auth import Principal
from shared.kit.sealing import BlindIndex, KeyRing, open_sealed, seal
from shared.kit.settings import ServiceSettings


@dataclass(frozen=True)
class IntakeKeys:
    """``contact`` is shared with sms and letters, ``text`` with routing, ``step`` with routing and sms, ``move`` with
    integrity."""

    contact: KeyRing
    text: KeyRing
    step: KeyRing
    move: KeyRing
    identity: KeyRing
    blind: BlindIndex

    @classmethod
    def load(cls, settings: ServiceSettings) -> Self:
        """Reads the rings from the keys' folder; SealError if one is missing."""
        return cls(
            contact=settings.ring("contact"),
            text=settings.ring("text"),
            step=settings.ring("step"),
            move=settings.ring("move"),
            identity=settings.ring("identity"),
            blind=BlindIndex(settings.ring("blind")),
        )

    def mobile_of(self, principal: Principal) -> str:
        """The citizen's mobile (E.164) out of the token, where it travels sealed."""
        return open_sealed(self.identity, principal.mob or "", b"mobile:" + principal.subject.encode()).decode()

    def text_of(self, case_id: UUID, sealed: str) -> dict[str, Any]:
        """``{"subject", "body"}`` of a case."""
        text: dict[str, Any] = orjson.loads(open_sealed(self.text, sealed, b"text:" + str(case_id).encode()))
        return text

    def keep_claim(self, case_id: UUID, claim: str) -> str:
        """A moved case's claim as it stands in its row."""
        return seal(self.contact, claim.encode(), b"claim:" + str(case_id).encode())

    def claim_of(self, case_id: UUID, sealed: str) -> str:
        """The claim out of the row."""
        return open_sealed(self.contact, sealed, b"claim:" + str(case_id).encode()).decode()

    def note_of(self, case_id: UUID, sealed: str) -> str:
        """What the officer wrote to the citizen at a step."""
        note: str = orjson.loads(open_sealed(self.step, sealed, b"step:" + str(case_id).encode()))["text"]
        return note
