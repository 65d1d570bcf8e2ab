"""What guards the end of a case: "not ours", the independent review of a reopened one, and "not solved" by SMS."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from httpx import Response

from services.routing.clocks.service import tick
from shared.contracts.envelope import Actor
from shared.contracts.sms import SmsNotSolved, SmsNotSolvedData
from shared.kit.auth import Principal
from shared.kit.ids import uuid7
from shared.kit.outbox import new_event
from tests.services.routing.desk.routing import CENTRE, MANAGER, OFFICER, OTHER_OFFICER, Routing, staff

ELSEWHERE = staff("ela", department="behzisti")
ELSEWHERES_MANAGER = staff("max", "manager", department="behzisti")


def refused(answer: Response) -> str:
    """The code of a 409."""
    assert answer.status_code == 409
    return str(answer.json()["code"])


async def not_solved(routing: Routing, case_id: UUID) -> None:
    """The citizen's SMS arrives."""
    data = SmsNotSolvedData(at=datetime.now(UTC))
    actor = Actor(kind="citizen")
    await routing.hear(
        new_event(SmsNotSolved, subject=str(uuid7()), sequence=1, actor=actor, case_id=case_id, data=data)
    )


async def test_not_ours_is_approved_by_the_centre_alone(routing: Routing) -> None:
    case_id = await routing.file()
    await routing.step(OFFICER, case_id, "accept")
    await routing.step(OFFICER, case_id, "decide", outcome="out_of_remit", letter_body="در صلاحیت ما نیست.")
    assert refused(await routing.step(MANAGER, case_id, "approve")) == "needs_referral_or_centre"
    assert (await routing.step(CENTRE, case_id, "approve")).status_code == 200


async def test_a_referral_goes_back_or_is_accepted_and_then_not_ours_needs_no_centre(routing: Routing) -> None:
    case_id = await routing.file()
    await routing.step(OFFICER, case_id, "refer", department_id="behzisti", note="به شما مربوط است.")
    there = {"note": "به ما مربوط نیست."}
    onward = await routing.step(ELSEWHERE, case_id, "refer", department_id="hq", **there)
    assert refused(onward) == "referral_awaits_acceptance"
    assert (await routing.step(ELSEWHERE, case_id, "refer", department_id="sso-insurance", **there)).status_code == 200
    assert (await routing.case(case_id))["referred_from"] is None
    await routing.step(OFFICER, case_id, "refer", department_id="behzisti", note="دوباره ببینید.")
    assert (await routing.step(ELSEWHERE, case_id, "accept")).status_code == 200
    await routing.step(ELSEWHERE, case_id, "decide", outcome="out_of_remit", letter_body="در صلاحیت وزارت نیست.")
    assert (await routing.step(ELSEWHERES_MANAGER, case_id, "approve")).status_code == 200


async def test_a_reopened_case_is_reviewed_by_somebody_else_under_its_own_clock(routing: Routing) -> None:
    case_id = await routing.file(at=datetime.now(UTC) - timedelta(days=200))
    assert await tick(routing.database) == 3
    await routing.decided(case_id)
    citizen = Principal("citizen", str((await routing.case(case_id))["citizen_id"]))
    await routing.send(citizen, "POST", f"/v1/cases/{case_id}/reopen", {"reason": "پاسخ کامل نبود."})
    case = await routing.case(case_id)
    assert (case["escalation"], case["next_clock_at"] > datetime.now(UTC)) == (0, True)
    for earlier in (OFFICER, MANAGER):
        assert refused(await routing.step(earlier, case_id, "accept")) == "independent_review"
    given = await routing.step(MANAGER, case_id, "assign", department_id="sso-insurance", officer=OFFICER.subject)
    assert refused(given) == "independent_review"
    assert (await routing.step(OTHER_OFFICER, case_id, "accept")).status_code == 200
    decision = {"outcome": "upheld", "letter_body": "این بار پذیرفته شد."}
    assert refused(await routing.step(OFFICER, case_id, "decide", **decision)) == "independent_review"
    assert (await routing.step(OTHER_OFFICER, case_id, "decide", **decision)).status_code == 200
    assert (await routing.step(MANAGER, case_id, "approve")).status_code == 200


async def test_not_solved_by_sms_reopens_once_and_what_cannot_be_is_told(routing: Routing) -> None:
    case_id = await routing.file()
    await not_solved(routing, case_id)
    assert (await routing.told(case_id))[-1] == "case.reopening_refused.v1"
    await routing.decided(case_id)
    await not_solved(routing, case_id)
    assert (await routing.told(case_id))[-1] == "case.reopened.v1"
    await not_solved(routing, case_id)
    assert (await routing.told(case_id))[-1] == "case.reopened.v1"
    assert (await routing.case(case_id))["status"] == "reopened"
