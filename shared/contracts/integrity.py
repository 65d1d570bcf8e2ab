"""What integrity tells: that a report moved, and that somebody is to be told so. Nothing about anybody or anything.

``subject`` is a report's random reference, ``time`` the hour, the event's id random: neither tells when or how many.
"""

from typing import Annotated, Literal

from pydantic import StringConstraints

from shared.contracts.envelope import Event, Frozen, Language, Sealed

ReportState = Literal[
    "received",
    "acknowledged",
    "triaged",
    "out_of_scope",
    "transferred",
    "merged",
    "assigned",
    "investigating",
    "awaiting_reporter",
    "findings",
    "decision",
    "outcome_told",
    "closed",
    "reopened",
]


class ReportData(Frozen):
    """The state after the step, and the hash of the step's leaf in the transparency log."""

    state: ReportState
    leaf: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ReportRegistered(Event):
    """A report was filed and is durable."""

    type: Literal["report.registered.v1"] = "report.registered.v1"
    source: Literal["integrity"] = "integrity"
    data: ReportData


class ReportAdvanced(Event):
    """A step was taken on a report, or it was read."""

    type: Literal["report.advanced.v1"] = "report.advanced.v1"
    source: Literal["integrity"] = "integrity"
    data: ReportData


class NoticeRequestedData(Frozen):
    """``notify_sealed``: ``{"mobile": "+98…"}`` under the key of integrity and sms."""

    notify_sealed: Sealed
    language: Language


class NoticeRequested(Event):
    """A phone is to be told that there is something new. ``subject`` is the notice's own random id, no report's."""

    type: Literal["notice.requested.v1"] = "notice.requested.v1"
    source: Literal["integrity"] = "integrity"
    data: NoticeRequestedData
