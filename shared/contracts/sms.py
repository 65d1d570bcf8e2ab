"""What sms tells: how far each text came. ``case_id`` names the case, ``causation_id`` the step it tells of."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from shared.contracts.envelope import Event, Frozen


class SmsData(Frozen):
    """``step_event_id`` is the event that the text tells of; ``at`` is the operator's time where it gave one."""

    message_id: UUID
    step_event_id: UUID
    template: str
    at: AwareDatetime


class SmsSent(Event):
    """An operator took the text."""

    type: Literal["sms.sent.v1"] = "sms.sent.v1"
    source: Literal["sms"] = "sms"
    data: SmsData


class SmsDelivered(Event):
    """The text reached the phone."""

    type: Literal["sms.delivered.v1"] = "sms.delivered.v1"
    source: Literal["sms"] = "sms"
    data: SmsData


class SmsUndeliveredData(SmsData):
    """``state`` is the final one: undeliverable, expired, rejected, blocked or suppressed."""

    state: Literal["undeliverable", "expired", "rejected", "blocked", "suppressed"]


class SmsNotSolvedData(Frozen):
    """When the citizen's text came; what it said beside "not solved" is not kept."""

    at: AwareDatetime


class SmsNotSolved(Event):
    """The citizen of a case answered by SMS that it is not solved. ``subject`` is the reply's id."""

    type: Literal["sms.not_solved.v1"] = "sms.not_solved.v1"
    source: Literal["sms"] = "sms"
    data: SmsNotSolvedData


class SmsUndelivered(Event):
    """The text will not reach the phone."""

    type: Literal["sms.undelivered.v1"] = "sms.undelivered.v1"
    source: Literal["sms"] = "sms"
    data: SmsUndeliveredData
