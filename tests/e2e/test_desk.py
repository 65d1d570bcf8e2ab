"""The desk over the gateway: reach, If-Match, four eyes, and an SMS at every step but the silent ones."""

import uuid
from typing import Any

import pytest

from deploy.local.client import Caller, System, complaint, wait_for
from tests.e2e.journeys import a_mobile, accepted, at_desk, decided

pytestmark = pytest.mark.e2e


def filed(system: System, **changes: Any) -> tuple[Caller, dict[str, Any], str]:
    """A citizen, their new case, and their number."""
    mobile = a_mobile()
    citizen = system.citizen(mobile)
    return citizen, citizen.post("/v1/cases", complaint(**changes)), mobile


def refused(caller: Caller, case_id: str, if_match: str | None, **step: Any) -> int:
    headers = {} if if_match is None else {"If-Match": if_match}
    return caller.request("POST", f"/v1/desk/cases/{case_id}/steps", json=step, headers=headers).status_code


def test_checks_run_in_the_order_404_403_428_412_409(system: System) -> None:
    _, case, _ = filed(system)
    officer = accepted(system, case["id"])
    elsewhere = system.staff("officer.behzisti")
    assert refused(elsewhere, case["id"], None, type="approve") == 404
    assert refused(officer, case["id"], None, type="approve") == 403
    assert refused(officer, case["id"], None, type="accept") == 428
    assert refused(officer, case["id"], '"999"', type="accept") == 412
    assert refused(officer, case["id"], "*", type="accept") == 409
    assert refused(officer, str(uuid.uuid4()), "*", type="accept") == 404


def test_a_stale_version_changes_nothing(system: System) -> None:
    _, case, _ = filed(system)
    officer = accepted(system, case["id"])
    path = f"/v1/desk/cases/{case['id']}"
    tag = officer.request("GET", path).headers["ETag"]
    officer.step(case["id"], type="progress", note="در دست بررسی است.")
    assert refused(officer, case["id"], tag, type="progress", note="دوباره همان.") == 412
    steps = [step["type"] for step in officer.get(path)["timeline"]]
    assert steps.count("progress") == 1


def test_every_step_is_told_once_and_in_order_but_the_silent_ones(system: System) -> None:
    citizen, case, mobile = filed(system)
    id, code = case["id"], case["tracking_code"]
    officer, manager = accepted(system, id), system.staff("manager.sso-insurance")
    officer.step(id, type="note", note="یادداشت")
    officer.step(id, type="progress", note="پرونده به شعبه فرستاده شد.")
    officer.step(id, type="extend", days=3, reason="بازرسی کارگاه زمان می‌برد.")
    officer.step(id, type="decide", outcome="not_upheld", letter_body="این پیش‌نویس پذیرفته نمی‌شود.")
    manager.step(id, type="return", note="دلیل را روشن‌تر بنویسید.")
    officer.step(id, type="decide", outcome="upheld", letter_body="سابقهٔ شما در سامانه ثبت شد.")
    manager.step(id, type="approve")
    wait_for(lambda: citizen.get(f"/v1/cases/{id}")["letter_number"], "the letter")
    officer.step(id, type="close")
    words = ["ثبت شد", "سپرده شد", "آغاز شد", "از پیشرفت", "تمدید شد", "تصمیم گرفته شد", "صادر شد", "بسته شد"]
    texts = wait_for(lambda: t if len(t := system.texts_about(mobile, code)) >= len(words) else None, "the texts")
    assert len(texts) == len(words)
    for text, word in zip(texts, words, strict=True):
        assert word in text["text"]
    shown = [step["step"] for step in citizen.get(f"/v1/cases/{id}/timeline")["items"]]
    assert "note" not in shown
    assert shown[-1] == "closed"


def test_without_a_category_words_decide_or_a_person_does(system: System) -> None:
    words = {"subject": "کسری سابقه", "body": "ریز سوابق و لیست بیمهٔ من ناقص است.", "category_id": None}
    _, known, _ = filed(system, **words)
    officer = system.staff("officer.sso-insurance")
    seen = wait_for(lambda: at_desk(officer, known["id"], "assigned"), "the assignment")
    assert seen["routing"]["method"] == "classifier"
    assert seen["routing"]["top"][0]["reasons"]
    _, unknown, mobile = filed(system, subject="سلام و احترام", body="لطفاً به کار من رسیدگی کنید.", category_id=None)
    centre = system.staff("centre")

    def waiting() -> dict[str, Any] | None:
        items = centre.get("/v1/desk/triage?limit=100")["items"]
        return next((item for item in items if item["id"] == unknown["id"]), None)

    wait_for(waiting, "the triage")
    assert officer.request("GET", f"/v1/desk/cases/{unknown['id']}").status_code == 404
    assert officer.request("GET", "/v1/desk/triage").status_code == 403
    centre.step(unknown["id"], type="assign", department_id="behzisti")
    wait_for(lambda: at_desk(system.staff("manager.behzisti"), unknown["id"], "assigned"), "the assignment")
    texts = wait_for(
        lambda: t if len(t := system.texts_about(mobile, unknown["tracking_code"])) >= 2 else None, "the text"
    )
    assert "بهزیستی" in texts[1]["text"]


def test_what_smells_of_corruption_is_for_the_centre_alone(system: System) -> None:
    words = {"subject": "رشوه در شعبه", "body": "کارشناس شعبه از من رشوه خواست و پول گرفت.", "category_id": None}
    _, case, _ = filed(system, **words)
    centre = system.staff("centre")
    seen = wait_for(lambda: at_desk(centre, case["id"], "registered"), "the triage")
    assert seen["restricted"] is True
    for username in ("officer.sso-insurance", "manager.sso-insurance", "officer.hq"):
        assert system.staff(username).request("GET", f"/v1/desk/cases/{case['id']}").status_code == 404
    moved = centre.step(case["id"], type="move", organisation_id="sso")
    assert (moved["status"], moved["body"]) == ("moved", "—")


def test_the_list_finds_all_three_spacings_of_a_word(system: System) -> None:
    mark = uuid.uuid4().hex[:8]
    for spelling in ("قالی‌بافی", "قالی بافی", "قالیبافی"):
        filed(system, subject=f"بیمهٔ {spelling} {mark}")
    officer = system.staff("officer.sso-insurance")

    def found(q: str) -> bool | None:
        listed = officer.get("/v1/desk/cases", params={"q": q, "limit": 100})["items"]
        return True if len([item for item in listed if mark in item["subject"]]) == 3 else None

    for spelling in ("قالی‌بافی", "قالی بافی", "قالیبافی"):
        wait_for(lambda q=spelling: found(q), f"all spellings by {spelling}")  # type: ignore[misc]


def test_a_reopened_case_gets_a_second_letter_that_supersedes_the_first(system: System) -> None:
    citizen, case, _ = filed(system)
    id = case["id"]
    assert citizen.request("POST", f"/v1/cases/{id}/reopen", json={"reason": "زود است"}).status_code in (404, 409)
    first = decided(system, citizen, id)
    number = wait_for(lambda: citizen.get(f"/v1/cases/{id}")["letter_number"], "the number")
    assert citizen.request("POST", f"/v1/cases/{id}/withdraw", json={}).status_code == 409
    again = citizen.request("POST", f"/v1/cases/{id}/reopen", json={"reason": "پاسخ کامل نبود."})
    assert (again.status_code, again.json()["status"]) == (200, "reopened")
    assert citizen.request("POST", f"/v1/cases/{id}/reopen", json={"reason": "باز هم"}).status_code == 409
    assert refused(system.staff("officer.sso-insurance"), id, "*", type="accept") == 409
    officer = system.staff("officer2.sso-insurance")
    officer.step(id, type="accept")
    officer.step(id, type="decide", outcome="partly_upheld", letter_body="با بررسی دوباره، بخش دیگر نیز ثبت شد.")
    system.staff("manager.sso-insurance").step(id, type="approve")

    def newer() -> bytes | None:
        pdf = citizen.request("GET", f"/v1/cases/{id}/letter").content
        return pdf if pdf != first else None

    wait_for(newer, "the second letter")
    wait_for(lambda: True if citizen.get(f"/v1/cases/{id}")["letter_number"] != number else None, "its number")
    rated = citizen.post(f"/v1/cases/{id}/rating", {"score": 5})
    assert rated["score"] == 5


def test_not_solved_by_sms_opens_the_only_decided_case_again(system: System) -> None:
    citizen, case, mobile = filed(system)
    decided(system, citizen, case["id"])
    system.text_from(mobile, "حل‌نشد")
    wait_for(lambda: at_desk(system.staff("officer2.sso-insurance"), case["id"], "reopened"), "the reopening")
    wait_for(lambda: [t for t in system.phone(mobile) if "دوباره باز شد" in t["text"]] or None, "the answer")


def test_tracking_by_sms_answers_only_the_number_that_filed(system: System) -> None:
    _, case, mobile = filed(system)
    wait_for(lambda: True if len(system.texts_about(mobile, case["tracking_code"])) >= 2 else None, "the first texts")
    system.text_from(mobile, f"پیگیری {case['tracking_code'].lower()}")
    wait_for(lambda: True if len(system.texts_about(mobile, case["tracking_code"])) == 3 else None, "the answer")
    stranger = a_mobile()
    system.text_from(stranger, case["tracking_code"])
    system.text_from(mobile, case["tracking_code"])
    wait_for(lambda: True if len(system.texts_about(mobile, case["tracking_code"])) == 4 else None, "the next answer")
    assert system.phone(stranger) == []
