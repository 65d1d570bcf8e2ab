"""What custodians send and are shown: askings, shares, and what a quorum may open."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, Tag

from services.integrity.filing.schemas import AgeFile, Words
from services.integrity.inspection.schemas import Username

Epoch = Annotated[int, Field(ge=1)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AskIdentity(_In):
    """Asks the other custodians for their shares of a reporter's identity, with the reason."""

    reason: Words


class AskRecovery(AskIdentity):
    """Asks for the shares of a report's keys, for the inspector or supervisor who lost theirs."""

    holder: Username


class ShareIn(_In):
    """A share, sealed anew by its holder to whoever asked. ``epoch`` is null for the identity's key."""

    epoch: Epoch | None = None
    among: Annotated[list[Username], Field(min_length=2, max_length=9)]
    share: AgeFile


class Give(_In):
    """Gives one's shares to an opening."""

    request: UUID
    shares: Annotated[list[ShareIn], Field(min_length=1, max_length=2000)]


class Finish(_In):
    """The recovered keys, each granted to the present key of whoever lost theirs, by epoch."""

    request: UUID
    grants: Annotated[dict[Epoch, AgeFile], Field(min_length=1, max_length=100)]


def _kind_of(value: Any) -> str:
    fields = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    return next((name for name in ("shares", "grants") if name in fields), "reason")


class IdentityIn(
    RootModel[
        Annotated[Annotated[AskIdentity, Tag("reason")] | Annotated[Give, Tag("shares")], Discriminator(_kind_of)]
    ]
):
    """``{reason}`` asks, ``{request, shares}`` gives."""


class RecoveryIn(
    RootModel[
        Annotated[
            Annotated[AskRecovery, Tag("reason")] | Annotated[Give, Tag("shares")] | Annotated[Finish, Tag("grants")],
            Discriminator(_kind_of),
        ]
    ]
):
    """``{reason, holder}`` asks, ``{request, shares}`` gives, ``{request, grants}`` finishes."""


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class ShareOut(_Out):
    """A share as an age file (base64): to its holder, or to whoever asked for it."""

    epoch: int | None
    among: list[str]
    holder: str
    share: str


class EpochOut(_Out):
    """A key that is to be recovered, by its public half; ``epoch`` is null for the identity's."""

    epoch: int | None
    recipient: str


class OpeningOut(_Out):
    """An opening. ``reason`` is an age file to the custodians. Shares are sealed anew to ``recipient``, a key of
    ``asked_by``; ``my_shares`` are the caller's own. ``given_shares`` and, for an identity, ``sealed`` (the age file to
    be opened) are for whoever asked, once it is ``complete``. ``holder`` and ``holder_recipient``: for whom a recovery
    is, and to which key the grants go."""

    request: UUID
    report_id: UUID
    report_no: str
    asked_by: str
    asked_at: datetime
    reason: str
    recipient: str
    holder: str | None
    holder_recipient: str | None
    given_by: list[str]
    complete: bool
    finished: bool
    keys: list[EpochOut]
    my_shares: list[ShareOut]
    given_shares: list[ShareOut] | None
    sealed: str | None


class OpeningsOut(_Out):
    """The openings of a report, the newest last."""

    items: list[OpeningOut]


class AskedOut(_Out):
    """An opening that waits for the caller's shares."""

    report_id: UUID
    report_no: str
    kind: Literal["identity", "recovery"]
    request: UUID
    asked_by: str
    asked_at: datetime


class UnreadOut(_Out):
    """A report that nobody can read: at its filing all who might were in conflict of interest."""

    report_id: UUID
    report_no: str
    filed_on: str


class WaitingOut(_Out):
    """What waits for a custodian."""

    asked: list[AskedOut]
    unread: list[UnreadOut]
