"""The correspondence's state machine: which step a case's state and the actor's role allow, and what it leads to.

Pure rules over plain values; the case itself is read and written elsewhere.
"""

from collections.abc import Set
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from shared.contracts.envelope import CaseStatus, Outcome

Role = Literal["officer", "manager", "centre"]
StepType = Literal[
    "assign",
    "refer",
    "accept",
    "note",
    "request_information",
    "progress",
    "extend",
    "decide",
    "approve",
    "return",
    "close",
    "move",
]

OPEN: Set[CaseStatus] = frozenset({"registered", "assigned", "in_progress", "awaiting_citizen", "reopened"})
"""States in which the case still waits for a decision."""

EXTENSION_SHARE = 0.5
"""An extension is at most this share of the category's term, and there is one."""


class Refusal(Enum):
    """Why a step is not taken; the names are codes of the contract."""

    STATE = "state_does_not_allow"
    PENDING = "decision_awaits_approval"
    NOTHING_PENDING = "no_decision_to_approve"
    OWN_DECISION = "own_decision"
    EXTENDED = "extended_before"
    TOO_LONG = "extension_too_long"
    SAME_DEPARTMENT = "same_department"
    REFERRAL_OPEN = "referral_awaits_acceptance"
    INDEPENDENT = "independent_review"
    OUT_OF_REMIT = "needs_referral_or_centre"


@dataclass(frozen=True)
class Standing:
    """What the rules need to know of a case.

    ``decided_by`` wrote the decision that waits for approval, ``outcome`` is what it says. ``referred_from`` is the
    department that sent the case here, until it is accepted; ``referral_accepted``: some referral was. ``earlier`` are
    those who wrote and approved the decisions before it was opened again.
    """

    status: CaseStatus
    department_id: str | None
    decided_by: str | None
    extended: bool
    sla_days: int
    outcome: Outcome | None = None
    referred_from: str | None = None
    referral_accepted: bool = False
    earlier: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Rule:
    """Who may take a step, from which states; ``to`` is None where the status stays. A step that ``waits`` is not
    taken while a decision awaits approval."""

    roles: frozenset[Role]
    sources: Set[CaseStatus]
    to: CaseStatus | None = None
    waits: bool = True


_DEPARTMENT: frozenset[Role] = frozenset({"officer", "manager"})
_EVERYONE: frozenset[Role] = frozenset({"officer", "manager", "centre"})
_SECOND: frozenset[Role] = frozenset({"manager", "centre"})
_AT_WORK: Set[CaseStatus] = frozenset({"in_progress", "awaiting_citizen"})

RULES: dict[StepType, Rule] = {
    "assign": Rule(_SECOND, frozenset({"registered", "assigned", "in_progress", "reopened"}), "assigned"),
    "refer": Rule(_EVERYONE, frozenset({"assigned", "in_progress", "reopened"}), "assigned"),
    "accept": Rule(_DEPARTMENT, frozenset({"assigned", "reopened"}), "in_progress"),
    "note": Rule(_EVERYONE, OPEN | {"decided", "closed"}, waits=False),
    "request_information": Rule(_DEPARTMENT, frozenset({"in_progress"}), "awaiting_citizen"),
    "progress": Rule(_DEPARTMENT, _AT_WORK),
    "extend": Rule(_DEPARTMENT, _AT_WORK | {"assigned"}),
    "decide": Rule(_DEPARTMENT, _AT_WORK, "in_progress"),
    "approve": Rule(_SECOND, frozenset({"in_progress"}), "decided", waits=False),
    "return": Rule(_SECOND, frozenset({"in_progress"}), waits=False),
    "close": Rule(_EVERYONE, frozenset({"decided"}), "closed"),
    "move": Rule(frozenset({"centre"}), OPEN, "moved", waits=False),
}


def may(step: StepType, roles: Set[str]) -> bool:
    """Whether any of the actor's roles may take such a step at all."""
    return bool(RULES[step].roles & roles)


def refusal(
    step: StepType,
    case: Standing,
    *,
    actor: str,
    roles: Set[str] = frozenset(),
    department_id: str | None = None,
    officer: str | None = None,
    days: int = 0,
) -> Refusal | None:
    """Why the step cannot be taken now, or None if it can.

    ``actor`` is the staff member's id, with their ``roles``; ``department_id`` where a referral goes; ``officer`` to
    whom the case is assigned; ``days`` how many working days an extension asks for.

    A case that was opened again is reviewed by somebody who neither wrote nor approved its decision. A referral goes
    nowhere but back until it is accepted. "Not ours" is approved by the centre, or after another accepted a referral.
    """
    rule = RULES[step]
    pending = case.decided_by is not None
    if case.status not in rule.sources:
        return Refusal.STATE
    if rule.waits and pending:
        return Refusal.PENDING
    if step in ("approve", "return") and not pending:
        return Refusal.NOTHING_PENDING
    if step == "approve":
        return _approval(case, actor, roles)
    if (step in ("accept", "decide") and actor in case.earlier) or (step == "assign" and officer in case.earlier):
        return Refusal.INDEPENDENT
    if step == "refer":
        return _referral(case, department_id)
    if step == "extend" and case.extended:
        return Refusal.EXTENDED
    if step == "extend" and days > max(1, int(case.sla_days * EXTENSION_SHARE)):
        return Refusal.TOO_LONG
    return None


def _approval(case: Standing, actor: str, roles: Set[str]) -> Refusal | None:
    if case.decided_by == actor:
        return Refusal.OWN_DECISION
    if case.outcome == "out_of_remit" and not case.referral_accepted and "centre" not in roles:
        return Refusal.OUT_OF_REMIT
    return None


def _referral(case: Standing, department_id: str | None) -> Refusal | None:
    if department_id == case.department_id:
        return Refusal.SAME_DEPARTMENT
    if case.referred_from is not None and department_id != case.referred_from:
        return Refusal.REFERRAL_OPEN
    return None


def may_withdraw(status: CaseStatus) -> bool:
    """A citizen may take a case back until it is decided."""
    return status in OPEN
