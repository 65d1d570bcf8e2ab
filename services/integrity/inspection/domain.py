"""The way of a corruption report: which step its state allows, who may take it, and what it leads to.

After ISO 37002:2021 (receiving, assessing, addressing, concluding) and Directive (EU) 2019/1937, articles 9 and 11.
Pure rules over plain values; the report itself is read and written elsewhere.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import Enum
from typing import Literal, get_args

from shared.contracts.integrity import ReportState

State = ReportState
STATES: Set[State] = frozenset(get_args(State))

Position = Literal["inspector", "supervisor"]
"""What the caller is to the report: the inspector who has it, or a supervisor."""

StepType = Literal[
    "acknowledge",
    "triage",
    "assign",
    "grant",
    "recuse",
    "investigate",
    "evidence",
    "message",
    "finding",
    "decide",
    "close",
    "reopen",
]
Disposition = Literal["out_of_scope", "transferred", "merged"]
"""How a report ends that is not admitted."""

OPEN: Set[State] = frozenset(
    {"received", "acknowledged", "triaged", "assigned", "investigating", "awaiting_reporter", "findings", "reopened"}
)
"""States in which somebody must still act before there is a decision."""
DECLINED: Set[State] = frozenset({"out_of_scope", "transferred", "merged"})


class Refusal(Enum):
    """Why a step is not taken; the names are codes of the contract."""

    STATE = "state_does_not_allow"
    NOBODY_ASSIGNED = "nobody_assigned"
    SAME_INSPECTOR = "same_inspector"
    OWN_REPORT = "merged_into_itself"


@dataclass(frozen=True)
class Standing:
    """What the rules need to know of a report: its reference, its state, and who has it (None after a recusal)."""

    id: str
    state: State
    inspector: str | None


@dataclass(frozen=True)
class Rule:
    """Who may take a step, and where it leads from each state that allows it. A step that ``needs_inspector`` is not
    taken, not even by a supervisor, while nobody has the report: whoever is to go on with it is assigned first."""

    positions: frozenset[Position]
    leads: Mapping[State, State]
    needs_inspector: bool = False


_BOTH: frozenset[Position] = frozenset({"inspector", "supervisor"})
_SUPERVISOR: frozenset[Position] = frozenset({"supervisor"})
_INSPECTOR: frozenset[Position] = frozenset({"inspector"})


def _stays(states: Set[State]) -> dict[State, State]:
    return {state: state for state in states}


RULES: dict[StepType, Rule] = {
    "acknowledge": Rule(_BOTH, {"received": "acknowledged"}),
    "triage": Rule(_BOTH, {"acknowledged": "triaged"}),
    "assign": Rule(
        _SUPERVISOR,
        {
            **_stays({"received", "acknowledged", "findings", "decision"}),
            "triaged": "assigned",
            "assigned": "assigned",
            "investigating": "assigned",
            "awaiting_reporter": "assigned",
            "reopened": "assigned",
        },
    ),
    "grant": Rule(_SUPERVISOR, _stays(STATES)),
    "recuse": Rule(_INSPECTOR, _stays(OPEN)),
    "investigate": Rule(
        _BOTH,
        {
            "triaged": "investigating",
            "assigned": "investigating",
            "reopened": "investigating",
            "investigating": "investigating",
            "awaiting_reporter": "investigating",
            "findings": "investigating",
        },
        needs_inspector=True,
    ),
    "evidence": Rule(_BOTH, _stays(OPEN - {"received"})),
    "message": Rule(
        _BOTH,
        {
            **_stays(STATES - {"received", "investigating", "merged"}),
            "investigating": "awaiting_reporter",
        },
    ),
    "finding": Rule(_BOTH, {"investigating": "findings", "awaiting_reporter": "findings"}, needs_inspector=True),
    "decide": Rule(_BOTH, {"findings": "decision"}),
    "close": Rule(_BOTH, dict.fromkeys(("outcome_told", *sorted(DECLINED)), "closed")),
    "reopen": Rule(_BOTH, dict.fromkeys(("closed", "outcome_told", *sorted(DECLINED)), "reopened")),
}


def may(step: StepType, position: Position) -> bool:
    """Whether somebody in this position may take such a step at all."""
    return position in RULES[step].positions


def refusal(
    step: StepType, report: Standing, *, inspector: str | None = None, merged_into: str | None = None
) -> Refusal | None:
    """Why the step cannot be taken now, or None if it can.

    ``inspector`` is whom an assignment names, ``merged_into`` the report that a triage merges this one into.
    """
    rule = RULES[step]
    if report.state not in rule.leads:
        return Refusal.STATE
    if rule.needs_inspector and report.inspector is None:
        return Refusal.NOBODY_ASSIGNED
    if step == "assign" and inspector == report.inspector:
        return Refusal.SAME_INSPECTOR
    if step == "triage" and merged_into == report.id:
        return Refusal.OWN_REPORT
    return None


def state_after(step: StepType, state: State, *, disposition: Disposition | None = None) -> State:
    """Where the step leads from a state that allows it; a triage that declines leads to its ``disposition``.

    KeyError from a state that does not allow the step: ask :func:`refusal` first.
    """
    following = RULES[step].leads[state]
    return disposition if step == "triage" and disposition is not None else following


def after_decision(state: State) -> State:
    """The outcome goes into the reporter's box with the decision, in the same transaction: the next state."""
    return "outcome_told" if state == "decision" else state


def after_reporter_wrote(state: State) -> State:
    """A reporter may write at any time; an answer that was waited for lets the investigation go on."""
    return "investigating" if state == "awaiting_reporter" else state
