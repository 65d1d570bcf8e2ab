"""The keys integrity holds: none opens a report.

Reports, grants and shares are sealed to people. These rings seal what the service itself carries for a while.
"""

from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID, uuid4

import orjson

from services.integrity.sealing.age import SecretKey
from shared.kit.sealing import KeyRing, open_sealed, seal
from shared.kit.settings import ServiceSettings


@dataclass(frozen=True)
class IntegrityKeys:
    """``notify`` (shared with sms) seals numbers that are to be told; ``box`` the key of a reporter's box inside their
    token; ``filing`` is the salt under which Idempotency-Keys are told apart and claims opened. The latter two are
    integrity's alone.
    ``move`` (shared with intake) opens what a case held that became a report."""

    notify: KeyRing
    box: KeyRing
    filing: KeyRing
    move: KeyRing

    @classmethod
    def load(cls, settings: ServiceSettings) -> Self:
        """Reads the rings from the keys' folder; SealError if one is missing."""
        return cls(
            notify=settings.ring("notify"),
            box=settings.ring("box"),
            filing=settings.ring("filing"),
            move=settings.ring("move"),
        )

    def moved(self, case_id: UUID, sealed: str) -> dict[str, Any]:
        """``{"subject", "narrative", "files", "contact", "claim"}`` of a case that intake handed over. ``contact`` is
        ``{"name", "mobile", "postal_address"}``, where the mobile (E.164) may be None; ``claim`` (``moving/claim.py``)
        is None where nobody can log in for the case."""
        content: dict[str, Any] = orjson.loads(open_sealed(self.move, sealed, b"move:" + str(case_id).encode()))
        return content

    def keep_number(self, report_id: UUID, mobile: str) -> str:
        """A number (E.164) as it stands in the report's row."""
        return seal(self.notify, orjson.dumps({"mobile": mobile}), _number(report_id))

    def notice(self, report_id: UUID, kept: str) -> tuple[UUID, str]:
        """A new notice's random id and the number sealed to it: nothing links the notice to the report."""
        notice = uuid4()
        return notice, seal(self.notify, open_sealed(self.notify, kept, _number(report_id)), _number(notice))

    def carry_box(self, report_id: UUID, box: SecretKey) -> str:
        """The key of a reporter's box, for the token of that report."""
        return seal(self.box, box.secret_text().encode(), b"box:" + str(report_id).encode())

    def carried_box(self, report_id: UUID, sealed: str) -> SecretKey:
        """The key out of the token; SealError if it is another report's, or the ring's key is gone."""
        return SecretKey.parse(open_sealed(self.box, sealed, b"box:" + str(report_id).encode()).decode())


def _number(owner: UUID) -> bytes:
    return b"notify:" + str(owner).encode()
