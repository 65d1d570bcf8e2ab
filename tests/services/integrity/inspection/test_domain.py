"""The way of a report: no sequence of steps reaches an undefined state, loses a clock or skips an event."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.integrity.inspection.clocks import LEVELS, Running, Terms, Times, is_settled, level_of, running
from services.integrity.inspection.domain import (
    DECLINED,
    OPEN,
    RULES,
    STATES,
    Disposition,
    Position,
    Refusal,
    Standing,
    State,
    StepType,
    after_decision,
    after_reporter_wrote,
    may,
    refusal,
    state_after,
)

# what the design says: from which state to which others
GRAPH: dict[State, set[State]] = {
    "received": {"acknowledged"},
    "acknowledged": {"triaged", "out_of_scope", "transferred", "merged"},
    "triaged": {"assigned", "investigating"},
    "assigned": {"investigating"},
    "investigating": {"awaiting_reporter", "findings", "assigned"},
    "awaiting_reporter": {"investigating", "findings", "assigned"},
    "findings": {"decision", "investigating"},
    "decision": {"outcome_told"},
    "outcome_told": {"closed", "reopened"},
    "closed": {"reopened"},
    "reopened": {"assigned", "investigating"},
    "out_of_scope": {"closed", "reopened"},
    "transferred": {"closed", "reopened"},
    "merged": {"closed", "reopened"},
}
TERMS = Terms()
START = datetime(2026, 11, 24, 8, tzinfo=UTC)


class WayOfAReport(RuleBasedStateMachine):
    """Anybody tries anything at any time; what is told of the report is kept as the events would."""

    def __init__(self) -> None:
        super().__init__()
        self.state: State = "received"
        self.inspector: str | None = "ann"
        self.now = self.state_since = self.registered_at = START
        self.unassigned_since: datetime | None = None
        self.events: list[State] = ["received"]
        self.missed: dict[Running, int] = {}

    def _enter(self, state: State) -> None:
        if state != self.state:
            assert state in GRAPH[self.state], f"{self.state} does not lead to {state}"
            self.state, self.state_since = state, self.now
            self.events.append(state)

    @initialize(nobody=st.booleans())
    def filed(self, nobody: bool) -> None:
        if nobody:
            self.inspector, self.unassigned_since = None, START

    @rule(
        step=st.sampled_from(sorted(RULES)),
        position=st.sampled_from(get_args(Position)),
        inspector=st.sampled_from(["ann", "bob"]),
        disposition=st.sampled_from([None, *get_args(Disposition)]),
        merged_into=st.sampled_from(["r1", "r2"]),
    )
    def takes(
        self,
        step: StepType,
        position: Position,
        inspector: str,
        disposition: Disposition | None,
        merged_into: str,
    ) -> None:
        if position == "inspector" and self.inspector is None:
            return
        if not may(step, position):
            return
        report = Standing("r1", self.state, self.inspector)
        into = merged_into if step == "triage" and disposition == "merged" else None
        if refusal(step, report, inspector=inspector, merged_into=into) is not None:
            return
        after = state_after(step, self.state, disposition=disposition)
        if step == "recuse":
            self.inspector, self.unassigned_since = None, self.now
        if step == "assign":
            self.inspector, self.unassigned_since = inspector, None
        if step == "reopen":
            self.registered_at = self.now
        self._enter(after)
        if step == "decide":
            self._enter(after_decision(after))

    @rule()
    def reporter_writes(self) -> None:
        self._enter(after_reporter_wrote(self.state))

    @rule(hours=st.integers(1, 2000))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    @precondition(lambda self: not is_settled(self.state))
    def clocks_are_looked_at(self) -> None:
        for clock in running(self._times(), TERMS):
            level = level_of(clock.due_at, self.now, TERMS)
            assert (level is None) == (self.now <= clock.due_at)
            assert level is None or level in LEVELS
            assert (level or 0) >= self.missed.get(clock, 0), "what has escalated does not come back"
            if level:
                self.missed[clock] = level

    def _times(self) -> Times:
        return Times(self.state, self.registered_at, self.state_since, self.unassigned_since)

    @invariant()
    def the_state_is_one_of_the_design(self) -> None:
        assert self.state in STATES
        assert self.state == self.events[-1]

    @invariant()
    def no_event_is_skipped(self) -> None:
        for before, after in zip(self.events, self.events[1:], strict=False):
            assert after in GRAPH[before]
        for index, state in enumerate(self.events):
            if state == "outcome_told":
                assert self.events[index - 1] == "decision"
            if state == "decision":
                assert self.events[index - 1] == "findings"

    @invariant()
    def no_clock_is_lost(self) -> None:
        clocks = {clock.clock for clock in running(self._times(), TERMS)}
        assert ("feedback" in clocks) == (not is_settled(self.state))
        assert (len(clocks - {"feedback", "assign"}) == 1) == (self.state in OPEN)
        assert ("assign" in clocks) == (self.inspector is None and self.state in OPEN)


TestWayOfAReport = WayOfAReport.TestCase


def test_the_rules_are_of_the_states_and_steps_of_the_design() -> None:
    assert set(RULES) == set(get_args(StepType))
    assert GRAPH.keys() == STATES
    for step, rule_ in RULES.items():
        for before, after in rule_.leads.items():
            assert after == before or after in GRAPH[before], step


@pytest.mark.parametrize("state", sorted(STATES))
def test_every_state_has_a_way_on(state: State) -> None:
    moves = {step for step in RULES if refusal(step, Standing("r", state, "ann"), inspector="bob") is None}
    assert moves - {"message", "assign", "grant", "evidence", "recuse"} or state == "decision"


def test_refusals() -> None:
    assert refusal("investigate", Standing("r", "received", "ann")) is Refusal.STATE
    assert refusal("investigate", Standing("r", "triaged", None)) is Refusal.NOBODY_ASSIGNED
    assert refusal("assign", Standing("r", "triaged", "ann"), inspector="ann") is Refusal.SAME_INSPECTOR
    assert refusal("triage", Standing("r", "acknowledged", "ann"), merged_into="r") is Refusal.OWN_REPORT


def test_who_may_take_what() -> None:
    assert not may("assign", "inspector")
    assert not may("recuse", "supervisor")
    assert may("finding", "inspector")
    assert may("close", "supervisor")


def test_what_is_declined_may_be_closed_or_reopened() -> None:
    for state in DECLINED:
        assert state_after("triage", "acknowledged", disposition=state) == state  # type: ignore[arg-type]
        assert state_after("close", state) == "closed"
        assert state_after("reopen", state) == "reopened"
