"""The keys sms holds: of contacts, of what officers tell citizens, of login codes, of reporters' numbers, and the one
that finds a number."""

from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import orjson

from shared.kit.sealing import BlindIndex, KeyRing, open_sealed, seal
from shared.kit.settings import ServiceSettings


@dataclass(frozen=True)
class SmsKeys:
    """``contact`` is shared with intake and letters, ``step`` with routing and intake, ``otp`` with the gateway,
    ``notify`` with integrity."""

    contact: KeyRing
    step: KeyRing
    otp: KeyRing
    notify: KeyRing
    blind: BlindIndex

    @classmethod
    def load(cls, settings: ServiceSettings) -> Self:
        """Reads the rings from the keys' folder; SealError if one is missing."""
        return cls(
            contact=settings.ring("contact"),
            step=settings.ring("step"),
            otp=settings.ring("otp"),
            notify=settings.ring("notify"),
            blind=BlindIndex(settings.ring("blind")),
        )

    def mobile_in(self, case_id: UUID, contact_sealed: str) -> str | None:
        """The mobile (E.164) of a case's contact; None if it has none."""
        contact = orjson.loads(open_sealed(self.contact, contact_sealed, b"contact:" + str(case_id).encode()))
        mobile: str | None = contact["mobile"]
        return mobile

    def note(self, case_id: UUID, sealed: str) -> str:
        """What the officer wrote to the citizen."""
        note: str = orjson.loads(open_sealed(self.step, sealed, b"step:" + str(case_id).encode()))["text"]
        return note

    def otp_of(self, challenge: str, sealed: str) -> dict[str, Any]:
        """``{"mobile", "code"}`` of a login challenge."""
        otp: dict[str, Any] = orjson.loads(open_sealed(self.otp, sealed, b"otp:" + challenge.encode()))
        return otp

    def number_of(self, notice: str, sealed: str) -> str:
        """The mobile (E.164) that a notice goes to."""
        mobile: str = orjson.loads(open_sealed(self.notify, sealed, b"notify:" + notice.encode()))["mobile"]
        return mobile

    def keep(self, owner: UUID, value: str) -> str:
        """A number or a text, sealed to the row that it stands in."""
        return seal(self.contact, value.encode(), b"sms:" + str(owner).encode())

    def read(self, owner: UUID, sealed: str) -> str:
        """What ``keep`` sealed."""
        return open_sealed(self.contact, sealed, b"sms:" + str(owner).encode()).decode()
