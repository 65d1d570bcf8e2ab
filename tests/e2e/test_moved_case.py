"""A case that turns out, by what is added to it, to be a matter of corruption: it goes on as a report, and ZRM keeps
nothing of it."""

import io
import subprocess
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from PIL import Image

from deploy.local.client import Caller, System, complaint, wait_for
from deploy.local.packages import postgres_bin
from services.integrity.inspect import device
from tests.e2e.journeys import a_mobile, accepted, at_desk
from tests.e2e.test_inspection_access import Public
from tests.e2e.test_integrity_privacy import forms
from tests.shared.kit.chassis import until

pytestmark = pytest.mark.e2e

WORDS = {
    "subject": "قناری‌موضوع کسری سابقه",
    "body": "قناری‌متن هشت ماه از سابقهٔ بیمهٔ من ثبت نشده است.",
    "added": "قناری‌افزوده کارشناس برای امضا پول خواست و گرفت",
    "question": "قناری‌پرسش اداره",
    "note": "قناری‌یادداشت اداره",
}
NAME = "قناری‌نام ژاله"
ADDRESS = {**complaint()["citizen"]["postal_address"], "postal_code": "1968943117"}


def _photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), (10, 120, 200)).save(out, "PNG")
    return out.getvalue()


FILE = _photo()
TUS = {
    "Tus-Resumable": "1.0.0",
    "Upload-Length": str(len(FILE)),
    "Content-Type": "application/offset+octet-stream",
}


@pytest.fixture(scope="module")
def mobile() -> str:
    return a_mobile()


@pytest.fixture(scope="module")
def moved(system: System, mobile: str) -> dict[str, Any]:
    """A case that the centre moved while its department worked on it."""
    citizen = system.citizen(mobile)
    base = complaint(subject=WORDS["subject"], body=WORDS["body"])
    upload = citizen.request("POST", "/v1/uploads", content=FILE, headers=TUS).headers["Location"].rpartition("/")[2]
    base["attachments"] = [upload]
    case = citizen.post("/v1/cases", {**base, "citizen": {**base["citizen"], "full_name": NAME}})
    officer = accepted(system, case["id"])
    officer.step(case["id"], type="note", note=WORDS["note"])
    officer.step(case["id"], type="request_information", question=WORDS["question"])
    citizen.post(f"/v1/cases/{case['id']}/messages", {"body": WORDS["added"]})
    wait_for(lambda: at_desk(officer, case["id"], "in_progress"), "the answer")
    known = {item["report_no"] for item in system.office("supervisor").reports()}
    path = f"/v1/desk/cases/{case['id']}/steps"
    step = {"type": "move", "organisation_id": "behzisti"}
    assert officer.request("POST", path, json=step, headers={"If-Match": "*"}).status_code == 403
    centre = system.staff("centre")
    wrong = {"type": "move", "organisation_id": "nobody"}
    assert centre.request("POST", path, json=wrong, headers={"If-Match": "*"}).status_code == 422
    centre.step(case["id"], **step)

    def new() -> dict[str, Any] | None:
        reports = (item for item in system.office("supervisor").reports() if item["report_no"] not in known)
        return next((item for item in reports if item["organisation_id"] == "behzisti"), None)

    return {"case": case, "report": wait_for(new, "the report"), "citizen": citizen}


def test_the_report_holds_all_that_was_written_and_the_identity_apart(
    system: System, moved: dict[str, Any], mobile: str
) -> None:
    id = moved["report"]["id"]
    assert moved["report"]["mode"] == "confidential"
    opened = system.office(moved["report"]["inspector"]).read(id)
    first = opened.contents[1]
    assert first is not None
    assert first["subject"] == WORDS["subject"]
    assert first["narrative"].startswith(WORDS["body"])
    assert first["narrative"].endswith(WORDS["added"])
    (file,) = opened.document["attachments"]
    sent = system.office(moved["report"]["inspector"]).file(opened, file["n"], original=True)
    assert Image.open(io.BytesIO(sent)).size == (40, 30)
    assert NAME not in str(opened.document) + str(opened.contents)
    custodians = [system.office(f"custodian.{n}") for n in range(1, 6)]
    one, other = [custodian for custodian in custodians if custodian.may_open(id, "identity")]
    one.ask(id, "identity", "بازرس باید از شاکی بپرسد.")
    other.give(other.openings(id, "identity")[-1], "identity")
    opened_identity = device.identity(one.openings(id, "identity")[-1], *one.keys)
    assert opened_identity == {"name": NAME, "mobile": mobile, "postal_address": ADDRESS}


def test_the_citizen_fetches_the_receipt_code_without_saying_who_they_are_and_has_the_box(
    system: System, moved: dict[str, Any]
) -> None:
    path, citizen, public = f"/v1/cases/{moved['case']['id']}/receipt", moved["citizen"], Public(system.http)
    assert system.citizen(a_mobile()).request("POST", path).status_code == 404
    assert public.request("POST", path).status_code == 401
    claim = citizen.post(path)["claim"]
    assert citizen.post(path)["claim"] == claim
    code = public.post("/v1/reports/claim", {"claim": claim})["receipt_code"]
    # the app sends its token along, and the answer that was lost is given again
    assert citizen.post("/v1/reports/claim", {"claim": claim})["receipt_code"] == code

    reporter = system.reporter(code)
    mine = reporter.get("/v1/reports/mine")
    assert (mine["report_no"], mine["mode"]) == (moved["report"]["report_no"], "confidential")
    assert [step["type"] for step in mine["steps"]].count("receipt_fetched") == 2
    inspector = system.office(moved["report"]["inspector"])
    inspector.step(inspector.read(moved["report"]["id"]), type="acknowledge")
    inspector.step(inspector.read(moved["report"]["id"]), type="message", body="کدام شعبه بود؟")
    answer = {"body": "شعبهٔ ۳", "attachments": [reporter.upload(FILE, "photo.png")]}
    reporter.post("/v1/reports/mine/messages", answer)
    mine = reporter.get("/v1/reports/mine")
    assert [message["body"] for message in mine["messages"]] == ["کدام شعبه بود؟", "شعبهٔ ۳"]
    assert len(inspector.read(moved["report"]["id"]).document["attachments"]) == 2


def test_zrm_shows_that_it_moved_and_no_more(system: System, moved: dict[str, Any], mobile: str) -> None:
    case, citizen = moved["case"], moved["citizen"]
    wait_for(lambda: True if _status(citizen, case["id"]) == "moved" else None, "the state")
    seen = wait_for(lambda: _emptied(citizen, case["id"]), "intake to have forgotten")
    tracked = Public(system.http).get(f"/v1/track/{case['tracking_code']}")
    assert tracked["status"] == "moved"
    centre = system.staff("centre").get(f"/v1/desk/cases/{case['id']}")
    listed = system.staff("centre").get("/v1/desk/cases", params={"status": "moved"})
    for words in (*WORDS.values(), NAME):
        for shown in (seen, tracked, centre, listed):
            assert words not in str(shown)
    assert [step["step"] for step in seen["timeline"]][-1] == "moved"
    department = system.staff("officer.sso-insurance")
    assert department.request("GET", f"/v1/desk/cases/{case['id']}").status_code == 404
    for caller, side in ((citizen, "cases"), (system.staff("centre"), "desk/cases")):
        assert caller.request("GET", f"/v1/{side}/{case['id']}/attachments/1").status_code == 404
    again = citizen.request("POST", f"/v1/cases/{case['id']}/withdraw", json={})
    assert again.status_code == 409
    texts = wait_for(lambda: _told(system, mobile, case["tracking_code"]), "the text")
    assert "رمز پیگیری" in texts[-1]["text"], "and that a code waits for them"
    assert not any(word in texts[-1]["text"] for word in ("فساد", "رشوه", "بازرس", "گزارش"))


def _status(citizen: Caller, case_id: str) -> str:
    status: str = citizen.get(f"/v1/cases/{case_id}")["status"]
    return status


def _emptied(citizen: Caller, case_id: str) -> dict[str, Any] | None:
    case: dict[str, Any] = citizen.get(f"/v1/cases/{case_id}")
    return case if case["subject"] == "—" and case["timeline"][-1]["step"] == "moved" else None


def _told(system: System, mobile: str, code: str) -> list[dict[str, Any]] | None:
    texts = system.texts_about(mobile, code)
    return texts if "واحد دیگری" in texts[-1]["text"] else None


async def test_sms_and_letters_forget_whose_case_it_was(system: System, moved: dict[str, Any], mobile: str) -> None:
    case_id = moved["case"]["id"]
    wait_for(lambda: _told(system, mobile, moved["case"]["tracking_code"]), "the last text")

    async def value(service: str, query: str) -> object:
        connection = await asyncpg.connect(f"{system.run['postgres']}/seda_{service}")
        try:
            return await connection.fetchval(query, UUID(case_id))
        finally:
            await connection.close()

    assert await value("sms", "SELECT mobile_sealed FROM contacts WHERE case_id = $1") is None
    kept = "SELECT count(*) FROM messages WHERE case_id = $1 AND template <> 'case.moved' AND text_sealed IS NOT NULL"
    assert await value("sms", kept) == 0
    await until(
        lambda: value("letters", "SELECT contact_sealed = '' FROM recipients WHERE case_id = $1"), "letters' forgetting"
    )


@pytest.mark.parametrize("service", ["intake", "routing", "sms", "letters", "integrity", "gateway"])
def test_no_database_holds_any_of_it_in_the_clear(system: System, moved: dict[str, Any], service: str) -> None:
    programs = postgres_bin()
    assert programs is not None
    command = [str(programs / "pg_dump"), "--data-only", f"{system.run['postgres']}/seda_{service}"]
    dump = subprocess.run(command, capture_output=True, check=True).stdout
    for text in (*WORDS.values(), NAME):
        assert not [form for form in forms(text) if form in dump]
