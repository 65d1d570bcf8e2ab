"""A photo and a document on their way from the citizen's phone to the officer's desk, and what is left of them."""

import io

import pytest
from PIL import Image

from deploy.local.client import Caller, System, complaint, wait_for
from tests.e2e.journeys import a_mobile, at_desk
from tests.shared.kit.cleaning.samples import CANARY, paper, picture, unpacked

pytestmark = pytest.mark.e2e


def test_the_officer_has_the_citizen_s_files_and_the_disk_holds_nothing_readable(system: System) -> None:
    citizen = system.citizen(a_mobile())
    photo, document = picture("JPEG"), unpacked(paper(photo=picture("JPEG")))
    uploads = [citizen.upload(photo, "CANARY-name.jpg"), citizen.upload(document, "فیش.pdf")]
    case = citizen.post("/v1/cases", complaint(attachments=uploads))
    path = f"/v1/cases/{case['id']}"
    officer = system.staff("officer.sso-insurance")
    shown = wait_for(lambda: at_desk(officer, case["id"], "assigned"), "the assignment")["attachments"]
    assert [(one["n"], one["media_type"]) for one in shown] == [(1, "image/jpeg"), (2, "application/pdf")]

    def had(caller: Caller, place: str, n: int) -> bytes:
        answer = caller.request("GET", f"{place}/attachments/{n}").raise_for_status()
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
        return answer.content

    at_the_desk = [had(officer, f"/v1/desk{path.removeprefix('/v1')}", n) for n in (1, 2)]
    assert at_the_desk == [had(citizen, path, n) for n in (1, 2)]
    assert Image.open(io.BytesIO(at_the_desk[0])).size == (40, 60)
    assert at_the_desk[1].startswith(b"%PDF-")
    assert not any(CANARY.encode() in content for content in at_the_desk)

    more = citizen.upload(b"ID3\x04" + b"voice" * 50_000, "voice.mp3")
    citizen.post(f"{path}/messages", {"body": "صدای ضبط‌شده", "attachments": [more]})
    wait_for(lambda: len(officer.get(f"/v1/desk{path.removeprefix('/v1')}")["attachments"]) == 3 or None, "the voice")

    for other in (system.citizen(a_mobile()), system.staff("officer.behzisti")):
        assert other.request("GET", f"{path}/attachments/1").status_code in (403, 404)
        assert other.request("GET", f"/v1/desk{path.removeprefix('/v1')}/attachments/1").status_code in (403, 404)

    for folder in ("uploads", "attachments", "logs"):
        for place in (system.base / folder).rglob("*"):
            content = place.read_bytes() if place.is_file() else b""
            assert not any(word in content for word in (b"CANARY", b"JFIF", b"Salaam", b"voicevoice")), place


def test_a_file_for_a_report_never_reaches_intake(system: System) -> None:
    citizen = system.citizen(a_mobile())
    before = list((system.base / "uploads" / "intake").rglob("*"))
    upload = citizen.upload(picture("PNG"), "evidence.png", purpose="report")
    assert upload.startswith("r")
    assert list((system.base / "uploads" / "intake").rglob("*")) == before
    refused = citizen.request(
        "POST", "/v1/cases", json=complaint(attachments=[upload]), headers={"Idempotency-Key": upload}
    )
    assert refused.json()["errors"][0]["code"] == "unknown_upload"
