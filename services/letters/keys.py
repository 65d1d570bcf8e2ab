"""The keys letters holds: of contacts, and of the letters' texts."""

from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import orjson

from shared.kit.sealing import KeyRing, open_sealed
from shared.kit.settings import ServiceSettings


@dataclass(frozen=True)
class LettersKeys:
    """``contact`` is shared with intake and sms, ``letter`` with routing."""

    contact: KeyRing
    letter: KeyRing

    @classmethod
    def load(cls, settings: ServiceSettings) -> Self:
        """Reads the rings from the keys' folder; SealError if one is missing."""
        return cls(contact=settings.ring("contact"), letter=settings.ring("letter"))

    def contact_of(self, case_id: UUID, sealed: str) -> dict[str, Any]:
        """``{"full_name", "national_id", "mobile", "postal_address"}``."""
        contact: dict[str, Any] = orjson.loads(open_sealed(self.contact, sealed, b"contact:" + str(case_id).encode()))
        return contact

    def letter_of(self, case_id: UUID, sealed: str) -> dict[str, Any]:
        """``{"body", "decided_by_title"}``."""
        letter: dict[str, Any] = orjson.loads(open_sealed(self.letter, sealed, b"letter:" + str(case_id).encode()))
        return letter
