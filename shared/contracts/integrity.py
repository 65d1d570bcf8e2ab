"""What integrity tells: that a report moved, that somebody is to be told so, and what the log says of ZRM's days.
Nothing about anybody or anything.

A report's ``subject`` is its random reference, ``time`` the hour, the event's id random: neither tells when or how
many.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

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


Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 in lowercase hex."""


class ReportData(Frozen):
    """The state after the step, and the hash of the step's leaf in the transparency log."""

    state: ReportState
    leaf: Hash


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


class LogRootedData(Frozen):
    """``day`` is Tehran's, written Gregorian; ``leaf`` the hash of the leaf that is over all events of cases and
    letters of that day, and ``index`` its place in the log, from 0. ``root`` is the root of the log when it had
    ``size`` leaves, the first signed one that this leaf is under."""

    day: date
    leaf: Hash
    index: Annotated[int, Field(ge=0)]
    size: Annotated[int, Field(ge=1)]
    root: Hash


class LogRooted(Event):
    """A day of ZRM's cases stands in the transparency log. ``subject`` is ``zrm``; ``time`` the hour."""

    type: Literal["log.rooted.v1"] = "log.rooted.v1"
    source: Literal["integrity"] = "integrity"
    data: LogRootedData
