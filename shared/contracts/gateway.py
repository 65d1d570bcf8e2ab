"""What the gateway tells: somebody wants to log in."""

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
