"""Of which reports the reporter can be forgotten, and what stands in the place of what told of them.

Pure rules over plain values; the audit reads them, too.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import Enum
from typing import Any

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

    def data(self) -> dict[str, str]:
        """As the step says it."""
        return {"locator": self.locator, "auth_hash": self.auth_hash.hex(), "box_recipient": self.recipient}


def forgotten_columns(data: Mapping[str, Any]) -> dict[str, Any]:
    """What the fixed columns of a report are once its reporter is forgotten, as manifests write them: the box as the
    step's ``data`` says, and no identity."""
    box = {name: data.get(name) for name in ("locator", "auth_hash", "box_recipient")}
    return {**box, "identity": None, "identity_recipient": None}


def refusal(state: str | None, *, before: bool) -> Refusal | None:
    """Why the reporter of a report in that state (None: there is no report) cannot be forgotten, or None if they can.
    ``before``: whether they were already."""
    if state is None:
        return Refusal.UNKNOWN
    if before:
        return Refusal.BEFORE
    return None if state in ENDED else Refusal.OPEN
