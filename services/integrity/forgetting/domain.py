"""Of which reports the reporter can be forgotten, and what stands in the place of what told of them.

Pure rules over plain values; the audit reads them, too.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Self

from services.integrity.inspection.domain import DECLINED, State

FORGOTTEN = "forgotten"
"""The type of the step, and of its leaf."""

ENDED: Set[State] = DECLINED | {"closed"}
"""States in which nobody is to ask or to tell the reporter anything any more."""


class Refusal(Enum):
    """Why the reporter is not forgotten."""

    UNKNOWN = "there is no report of this number"
    OPEN = "the report is not ended: its reporter is still to be asked and told; close it first"
    BEFORE = "its reporter was forgotten before"


@dataclass(frozen=True)
class DeadBox:
    """What stands in the place of the reporter's box: random, and nobody has what opens it."""

    locator: str
    auth_hash: bytes
    recipient: str

    def data(self, steps: Sequence[int]) -> dict[str, Any]:
        """What the step says: the box, and the numbers of the steps whose leaves' nonces go."""
        box = {"locator": self.locator, "auth_hash": self.auth_hash.hex(), "box_recipient": self.recipient}
        return {**box, "steps": list(steps)}


@dataclass(frozen=True)
class Forgotten:
    """What went by a step ``seq``: of the steps before it what they brought of the reporter, and the nonces of the
    leaves of ``steps``, all of them the reporter's own; ``columns`` are the report's fixed ones since, as manifests
    write them. ``seq`` 0: nobody was forgotten."""

    seq: int = 0
    steps: Set[int] = frozenset()
    columns: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def told_by(cls, seq: int, data: Mapping[str, Any]) -> Self:
        """From the number and the ``data`` of the step."""
        box = {name: data[name] for name in ("locator", "auth_hash", "box_recipient")}
        return cls(seq, frozenset(data["steps"]), {**box, "identity": None, "identity_recipient": None})


def refusal(state: str | None, *, before: bool) -> Refusal | None:
    """Why the reporter of a report in that state (None: there is no report) cannot be forgotten, or None if they can.
    ``before``: whether they were already."""
    if state is None:
        return Refusal.UNKNOWN
    if before:
        return Refusal.BEFORE
    return None if state in ENDED else Refusal.OPEN
