"""What the gateway tells: somebody wants to log in, and who works where."""

from typing import Literal

from pydantic import AwareDatetime

from shared.contracts.envelope import Event, Frozen, Language, Sealed


class OtpRequestedData(Frozen):
    """``otp_sealed``: ``{"mobile": "+98…", "code": "……"}`` under the key of gateway and sms."""

    otp_sealed: Sealed
    language: Language
    expires_at: AwareDatetime


class OtpRequested(Event):
    """A login code is to be sent, ahead of everything else. ``subject`` is the challenge."""

    type: Literal["otp.requested.v1"] = "otp.requested.v1"
    source: Literal["gateway"] = "gateway"
    data: OtpRequestedData


class StaffChangedData(Frozen):
    """A staff account as it now stands. ``department_id`` and ``province`` are None for who is of no one department, or
    of all provinces; ``version`` counts the account's changes, as ``sequence`` does."""

    username: str
    roles: tuple[str, ...]
    department_id: str | None = None
    province: str | None = None
    active: bool
    version: int


class StaffChanged(Event):
    """A staff account was made or changed. ``subject`` is the username, which never changes."""

    type: Literal["staff.changed.v1"] = "staff.changed.v1"
    source: Literal["gateway"] = "gateway"
    data: StaffChangedData
