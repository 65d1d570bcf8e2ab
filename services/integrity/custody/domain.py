"""Opening what only several custodians open together: asked for by one, given to by others, finished once enough gave.

Pure rules over plain values. Asking is giving: whoever asks puts their own share in on their own device.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Self
from uuid import UUID


class Refusal(Enum):
    """Why an opening does not go on; the names are codes of the contract."""

    OWN = "own_request"
    GIVEN = "given_before"
    FINISHED = "finished_before"
    TOO_FEW = "too_few_shares"


@dataclass(frozen=True)
class Given:
    """What a custodian gave: shares (``epoch``, ``among``, ``share`` as base64) sealed anew to whoever asked."""

    by: str
    shares: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Opening:
    """An opening as the report's steps tell it. ``key_id`` is the key of ``asked_by`` that shares are sealed to;
    ``holder`` whose lost key a recovery is for, None for an identity."""

    id: UUID
    asked_by: str
    asked_at: Any
    key_id: UUID
    reason: bytes
    holder: str | None
    given: tuple[Given, ...] = ()
    finished: bool = False

    @classmethod
    def told_by(cls, steps: Sequence[Any]) -> dict[UUID, Self]:
        """The openings of a report by their id, from the steps of their kind in their order."""
        found: dict[UUID, Self] = {}
        for step in steps:
            id = UUID(step.data["request"])
            if step.type.endswith("_asked"):
                found[id] = cls(
                    id, step.actor, step.at, UUID(step.data["key_id"]), step.sealed, step.data.get("holder")
                )
                continue
            before = found[id]
            finished = step.type.endswith("_finished")
            given = before.given if finished else (*before.given, Given(step.actor, tuple(step.data["shares"])))
            found[id] = cls(
                before.id,
                before.asked_by,
                before.asked_at,
                before.key_id,
                before.reason,
                before.holder,
                given,
                before.finished or finished,
            )
        return found

    @property
    def present(self) -> set[str]:
        """Whose shares are there: those who gave, and whoever asked."""
        return {self.asked_by, *(given.by for given in self.given)}

    def complete(self, sets: Collection[tuple[int | None, tuple[str, ...]]]) -> bool:
        """Whether the shares there give every key. ``sets``: for each epoch (None: the identity's) the sets of
        custodians among whom its key was split."""
        epochs = {epoch for epoch, _ in sets}
        met = {epoch for epoch, among in sets if set(among) <= self.present}
        return bool(epochs) and met == epochs

    def may_give(self, custodian: str) -> Refusal | None:
        """Why that custodian cannot give a share now, or None if they can."""
        if self.finished:
            return Refusal.FINISHED
        if custodian == self.asked_by:
            return Refusal.OWN
        return Refusal.GIVEN if custodian in self.present else None

    def may_finish(self, sets: Collection[tuple[int | None, tuple[str, ...]]]) -> Refusal | None:
        """Why whoever asked cannot finish now, or None if they can."""
        if self.finished:
            return Refusal.FINISHED
        return None if self.complete(sets) else Refusal.TOO_FEW
