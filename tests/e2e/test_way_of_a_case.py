"""The way of a case over the gateway, through all processes: from the login code to the signed letter."""

from pathlib import Path

import pytest

from deploy.local.client import System, complaint, wait_for
from deploy.local.packages import checked_signatures
from tests.e2e.journeys import a_mobile, at_desk, letter_of

pytestmark = pytest.mark.e2e


def test_a_complaint_becomes_a_signed_letter_and_every_step_is_told_once_and_in_order(
    system: System, tmp_path: Path
) -> None:
    mobile = a_mobile()
    citizen = system.citizen(mobile)
    case = citizen.post("/v1/cases", complaint())
    case_id, code = case["id"], case["tracking_code"]
    assert case["status"] == "registered"
    officer, manager = system.staff("officer.sso-insurance"), system.staff("manager.sso-insurance")
    wait_for(lambda: at_desk(officer, case_id, "assigned"), "the assignment")

    officer.step(case_id, type="accept")
    officer.step(case_id, type="note", note="یادداشت داخلی")
    officer.step(case_id, type="request_information", question="شمارهٔ کارگاه چیست؟")
    citizen.post(f"/v1/cases/{case_id}/messages", {"body": "شمارهٔ کارگاه ۱۲۳ است."})
    wait_for(lambda: at_desk(officer, case_id, "in_progress"), "the answer")
    officer.step(case_id, type="decide", outcome="upheld", letter_body="سابقهٔ شما در سامانه ثبت شد.")
    own = officer.request(
        "POST", f"/v1/desk/cases/{case_id}/steps", json={"type": "approve"}, headers={"If-Match": "*"}
    )
    assert own.status_code == 403, "an officer approves nothing"
    manager.step(case_id, type="approve")

    pdf = wait_for(lambda: letter_of(citizen, case_id), "the letter")
    signed = tmp_path / "letter.pdf"
    signed.write_bytes(pdf)
    told = checked_signatures(signed)
    assert "Signature is Valid" in told
    assert "Total document signed" in told

    steps = [
        "registered",
        "assigned",
        "accepted",
        "information_requested",
        "supplemented",
        "decided",
        "letter_issued",
    ]

    def delivered() -> dict[str, object] | None:
        shown = citizen.get(f"/v1/cases/{case_id}")
        done = [step["step"] for step in shown["timeline"]] == steps
        return shown if done and all(step["sms_status"] == "delivered" for step in shown["timeline"]) else None

    shown = wait_for(delivered, "the delivery reports")
    assert shown["status"] == "decided"
    texts = [message["text"] for message in system.texts_about(mobile, code)]
    assert len(texts) == len(steps)
    said = ["ثبت شد", "سپرده شد", "آغاز شد", "پرسشی داریم", "پیام شما رسید", "تصمیم گرفته شد", "صادر شد"]
    for text, words in zip(texts, said, strict=True):
        assert words in text


def test_tracking_tells_where_a_case_stands_and_nothing_of_whose_it_is(system: System) -> None:
    citizen = system.citizen(a_mobile())
    case = citizen.post("/v1/cases", complaint())
    answer = system.http.get(f"/v1/track/{case['tracking_code'].lower()}")
    assert answer.status_code == 200
    assert answer.json()["status"] in ("registered", "assigned")
    for secret in ("محمدی", "0499370899", "ولیعصر", "سابقه"):
        assert secret not in answer.text


def test_a_foreign_case_is_not_there(system: System) -> None:
    case = system.citizen(a_mobile()).post("/v1/cases", complaint())
    stranger = system.citizen(a_mobile())
    for path in ("", "/timeline", "/letter"):
        assert stranger.request("GET", f"/v1/cases/{case['id']}{path}").status_code == 404
    assert system.staff("officer.behzisti").request("GET", f"/v1/desk/cases/{case['id']}").status_code == 404
