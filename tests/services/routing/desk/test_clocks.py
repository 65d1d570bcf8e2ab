"""The clocks: when they strike, and that each level of a case is told once, whatever the worker did meanwhile."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.routing.clocks.domain import LEVELS, Term, due_in_new_term, next_strike
from services.routing.clocks.service import tick
from shared.kit.auth import Principal
from shared.persian.calendar import CALENDAR, jalali
from tests.services.routing.desk.routing import CENTRE, MANAGER, OFFICER, Routing

START = datetime(2026, 4, 18, 9, tzinfo=UTC)  # a Saturday, 1405-01-29
TERM = Term("assigned", START, CALENDAR.add_working_days(START, 20), 20, 0)


def test_it_strikes_at_75_100_and_150_percent_of_the_working_days() -> None:
    strikes = [next_strike(replace(TERM, reached=n)) for n in range(4)]
    expected = [CALENDAR.add_working_days(START, n) for n in (15, 20, 30)]
    assert strikes == [*expected, None]
    assert [jalali(strike) for strike in strikes if strike] == ["1405-02-19", "1405-02-26", "1405-03-10"]


def test_it_stands_still_while_the_citizen_is_waited_for_and_after_the_decision() -> None:
    for status in ("registered", "awaiting_citizen", "decided", "closed", "withdrawn", "moved"):
        assert next_strike(replace(TERM, status=status)) is None


@given(
    start=st.integers(0, 1100).map(lambda n: START - timedelta(days=800 - n)),
    days=st.integers(1, 60),
    extension=st.integers(0, 30),
    pause=st.integers(0, 40),
)
def test_strikes_follow_each_other_and_a_pause_moves_all_of_them(
    start: datetime, days: int, extension: int, pause: int
) -> None:
    whole = days + extension
    term = Term("in_progress", start, CALENDAR.add_working_days(start, whole + pause), whole, 0)
    strikes = [next_strike(replace(term, reached=n)) for n in range(len(LEVELS))]
    first, due, last = (strike for strike in strikes if strike is not None)
    assert first <= due <= last
    assert due == term.due_at
    assert CALENDAR.working_days_between(first, due) <= whole * 0.25
    assert CALENDAR.working_days_between(due, last) >= whole * 0.5
    assert due_in_new_term(term, whole) == term.due_at


async def test_a_worker_that_was_away_tells_every_level_once_and_in_order(routing: Routing) -> None:
    case_id = await routing.file()
    due_at = (await routing.case(case_id))["due_at"]
    assert await tick(routing.database) == 0
    late = due_at + timedelta(days=90)
    ticks = await asyncio.gather(tick(routing.database, late), tick(routing.database, late))
    assert sum(ticks) == 3
    assert [step["type"] for step in await routing.steps(case_id)][-3:] == ["escalate", "overdue", "escalate"]
    assert (await routing.told(case_id)).count("case.overdue.v1") == 1
    shown = (await routing.get(OFFICER, "/v1/desk/cases", escalated="centre")).json()["items"]
    assert [(item["id"], item["escalated"], item["overdue"]) for item in shown] == [(str(case_id), "centre", False)]


async def test_a_question_stops_the_clock_and_the_new_term_of_a_reopened_case_strikes_again(routing: Routing) -> None:
    case_id = await routing.file()
    await routing.step(OFFICER, case_id, "accept")
    await routing.step(OFFICER, case_id, "request_information", question="شمارهٔ کارگاه؟")
    assert await tick(routing.database, datetime.now(UTC) + timedelta(days=400)) == 0
    await routing.step(OFFICER, case_id, "decide", outcome="upheld", letter_body="به درخواست شما رسیدگی شد.")
    late = datetime.now(UTC) + timedelta(days=1000)
    assert await tick(routing.database, late) == 3
    await routing.step(MANAGER, case_id, "approve")
    assert (await routing.case(case_id))["next_clock_at"] is None
    citizen = Principal("citizen", str((await routing.case(case_id))["citizen_id"]))
    again = await routing.send(citizen, "POST", f"/v1/cases/{case_id}/reopen", {"reason": "پاسخ کامل نبود."})
    assert again.json()["status"] == "reopened"
    assert await tick(routing.database, late) == 3
    assert (await routing.told(case_id)).count("case.overdue.v1") == 2


async def test_another_category_gives_a_new_term_and_keeps_the_start(routing: Routing) -> None:
    case_id = await routing.file(at=START)
    before = await routing.case(case_id)
    await routing.step(
        CENTRE, case_id, "assign", department_id="sso-insurance", category_id="sso-insurance.self-insurance"
    )
    after = await routing.case(case_id)
    assert (before["term_days"], after["term_days"]) == (20, 12)
    assert after["due_at"] == CALENDAR.add_working_days(START, 12)
    assert after["next_clock_at"] == CALENDAR.add_working_days(START, 9)
