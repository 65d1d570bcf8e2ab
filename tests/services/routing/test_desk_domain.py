"""The correspondence's state machine: no sequence of steps leads where the design does not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.desk.domain import RULES, Refusal, Standing, StepType, may, may_withdraw, refusal
from services.routing.desk.moves import MOVES
from services.routing.desk.schemas import Step

FRESH = Standing("assigned", "sso-insurance", None, False, 20)

# what the design says: from → steps that change the status, and to what
GRAPH: dict[str, dict[str, str]] = {
    "registered": {"assign": "assigned", "move": "moved"},
    "assigned": {"assign": "assigned", "refer": "assigned", "accept": "in_progress", "move": "moved"},
    "reopened": {"assign": "assigned", "refer": "assigned", "accept": "in_progress", "move": "moved"},
    "in_progress": {
        "assign": "assigned",
        "refer": "assigned",
        "request_information": "awaiting_citizen",
        "decide": "in_progress",
        "approve": "decided",
        "move": "moved",
    },
    "awaiting_citizen": {"decide": "in_progress", "move": "moved"},
    "decided": {"close": "closed"},
    "closed": {},
    "withdrawn": {},
    "moved": {},
}
STAYS = {"note", "progress", "extend", "return"}


def after(case: Standing, step: StepType, actor: str) -> Standing:
    """The case after a step that was taken."""
    case = replace(case, status=RULES[step].to or case.status)
    if step == "decide":
        return replace(case, decided_by=actor)
    if step in ("approve", "return", "move"):
        return replace(case, decided_by=None)
    return replace(case, extended=case.extended or step == "extend")


@given(st.lists(st.tuples(st.sampled_from(sorted(RULES)), st.sampled_from(["ann", "bob"])), max_size=30))
def test_no_sequence_of_steps_leaves_the_graph(steps: list[tuple[StepType, str]]) -> None:
    case = FRESH
    for step, actor in steps:
        if refusal(step, case, actor=actor, department_id="behzisti", days=3) is not None:
            continue
        was = case
        case = after(case, step, actor)
        if step in STAYS:
            assert case.status == was.status
        else:
            assert case.status == GRAPH[was.status][step]
        if step == "approve":
            assert was.decided_by not in (None, actor), "somebody else approves what somebody wrote"
        if was.decided_by is not None:
            assert step in ("note", "approve", "return", "move"), "nothing else happens while a decision waits"


@pytest.mark.parametrize("status", sorted(GRAPH))
@pytest.mark.parametrize("step", sorted(RULES))
def test_a_step_is_refused_exactly_where_the_graph_has_none(status: str, step: StepType) -> None:
    case = replace(FRESH, status=status, decided_by="ann" if step in ("approve", "return") else None)  # type: ignore[arg-type]
    told = refusal(step, case, actor="bob", department_id="behzisti", days=3)
    if step in STAYS:
        open_to = {"note": {*GRAPH} - {"withdrawn", "moved"}, "return": {"in_progress"}}
        usual = {"in_progress", "awaiting_citizen"} | ({"assigned"} if step == "extend" else set())
        assert (told is None) == (status in open_to.get(step, usual))
    else:
        assert (told is None) == (step in GRAPH[status])


def test_the_special_refusals() -> None:
    working = replace(FRESH, status="in_progress")
    waits = replace(working, decided_by="ann")
    assert refusal("approve", waits, actor="ann") is Refusal.OWN_DECISION
    assert refusal("approve", working, actor="bob") is Refusal.NOTHING_PENDING
    assert refusal("progress", waits, actor="bob") is Refusal.PENDING
    assert refusal("refer", working, actor="ann", department_id="sso-insurance") is Refusal.SAME_DEPARTMENT
    assert refusal("extend", working, actor="ann", days=10) is None
    assert refusal("extend", working, actor="ann", days=11) is Refusal.TOO_LONG
    assert refusal("extend", replace(working, extended=True), actor="ann", days=1) is Refusal.EXTENDED


def test_roles() -> None:
    assert may("accept", {"officer"})
    assert not may("approve", {"officer"})
    assert not may("accept", {"centre"})
    assert may("assign", {"centre"})
    assert not any(may(step, {"operator", "admin", "inspector"}) for step in RULES)


def test_every_step_has_a_rule_and_a_move() -> None:
    schemas = set(Step.__args__)
    assert schemas == MOVES.keys()
    assert {schema.model_fields["type"].annotation.__args__[0] for schema in schemas} == RULES.keys()


def test_a_citizen_withdraws_until_the_decision() -> None:
    assert [status for status in sorted(GRAPH) if may_withdraw(status)] == [  # type: ignore[arg-type]
        "assigned",
        "awaiting_citizen",
        "in_progress",
        "registered",
        "reopened",
    ]
