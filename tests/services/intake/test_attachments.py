"""Files of cases: claimed with the case or not at all, cleaned before anybody has them, had by their owner alone."""

import asyncio
import base64
import io
import uuid
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from PIL import Image

from deploy.local.client import complaint
from shared.kit.auth import Principal
from tests.services.intake.conftest import Intake
from tests.shared.kit.cleaning.samples import CANARY, paper, picture, unpacked

STRANGER = "+989127654321"


async def upload(
    intake: Intake, content: bytes, headers: dict[str, str] | None = None, *, name: str | None = None
) -> httpx.Response:
    """A whole file in one go."""
    headers = {
        **(headers or intake.citizen()),
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(len(content)),
        "Content-Type": "application/offset+octet-stream",
    }
    if name is not None:
        headers["Upload-Metadata"] = "filename " + base64.b64encode(name.encode()).decode()
    return await intake.http.post("/v1/uploads", content=content, headers=headers)


async def uploaded(intake: Intake, content: bytes, **options: Any) -> str:
    """A complete upload's id."""
    answer = await upload(intake, content, **options)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"].rpartition("/")[2])


async def file(intake: Intake, uploads: list[str], *, key: str | None = None, **changes: Any) -> httpx.Response:
    """Files a case with uploads."""
    headers = {**intake.citizen(), "Idempotency-Key": key or str(uuid.uuid4())}
    return await intake.http.post("/v1/cases", json=complaint(attachments=uploads, **changes), headers=headers)


def on_disk(folder: Path) -> bytes:
    """All that lies in a folder."""
    return b"".join(place.read_bytes() for place in folder.rglob("*") if place.is_file())


async def event(intake: Intake, kind: str) -> dict[str, Any]:
    body = await intake.database.fetchval("SELECT body FROM outbox WHERE type = $1 ORDER BY id DESC", kind)
    return dict(orjson.loads(body)["data"])


async def test_a_case_is_filed_with_its_files_which_its_citizen_has_again(intake: Intake, tmp_path: Path) -> None:
    content = unpacked(paper())
    photo = await uploaded(intake, picture("JPEG"), name="../فیش\u202egpj.exe")
    document = await uploaded(intake, content)
    answer = await file(intake, [photo, document])
    assert answer.status_code == 201, answer.text
    path = answer.headers["location"]
    shown = (await intake.http.get(path, headers=intake.citizen())).json()["attachments"]
    assert [(one["n"], one["name"], one["media_type"], one["message_id"]) for one in shown] == [
        (1, "فیشgpj.exe.jpg", "image/jpeg", None),
        (2, "attachment-2.pdf", "application/pdf", None),
    ]
    told = (await event(intake, "case.registered.v1"))["attachments"]
    assert [(one["n"], one["media_type"], one["size"]) for one in told] == [
        (one["n"], one["media_type"], one["size"]) for one in shown
    ]
    got = await intake.http.get(f"{path}/attachments/1", headers=intake.citizen())
    assert got.status_code == 200
    assert len(got.content) == shown[0]["size"]
    assert not Image.open(io.BytesIO(got.content)).getexif()
    assert CANARY.encode() not in got.content
    assert got.headers["content-type"] == "image/jpeg"
    disposition = got.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="')
    assert disposition.isascii()
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]
    assert got.headers["cache-control"] == "no-store"
    for wrong in (f"{path}/attachments/3", f"/v1/cases/{uuid.uuid4()}/attachments/1"):
        assert (await intake.http.get(wrong, headers=intake.citizen())).status_code == 404
    stranger = await intake.http.get(f"{path}/attachments/1", headers=intake.citizen(STRANGER))
    assert stranger.status_code == 404
    assert (await intake.http.get(f"{path}/attachments/0", headers=intake.citizen())).status_code == 422
    disk = b"".join(map(on_disk, (tmp_path / "up", tmp_path / "files")))
    assert len(disk) > shown[0]["size"]
    assert not any(word in disk for word in (b"JFIF", b"%PDF", b"Salaam", CANARY.encode(), "فیش".encode()))


async def test_a_message_brings_files_that_are_numbered_on(intake: Intake) -> None:
    path = (await file(intake, [await uploaded(intake, picture("PNG"))])).headers["location"]
    brought = [await uploaded(intake, picture("WEBP"), name="عکس.webp"), await uploaded(intake, b"ID3\x04" + bytes(60))]
    headers = {**intake.citizen(), "Idempotency-Key": "m"}
    body = {"body": "عکس کارگاه", "attachments": brought}
    answer = await intake.http.post(f"{path}/messages", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    shown = answer.json()["attachments"]
    assert [(one["n"], one["name"]) for one in shown] == [(2, "عکس.webp"), (3, "attachment-3.mp3")]
    assert {one["message_id"] for one in shown} == {answer.json()["id"]}
    assert (await intake.http.post(f"{path}/messages", json=body, headers=headers)).json() == answer.json()
    told = (await event(intake, "case.supplemented.v1"))["attachments"]
    assert [one["n"] for one in told] == [2, 3]
    assert len((await intake.http.get(path, headers=intake.citizen())).json()["attachments"]) == 3
    got = await intake.http.get(f"{path}/attachments/3", headers=intake.citizen())
    assert got.content == b"ID3\x04" + bytes(60)
    used = {**headers, "Idempotency-Key": "again"}
    refused = await intake.http.post(f"{path}/messages", json=body, headers=used)
    assert [fault["code"] for fault in refused.json()["errors"]] == ["used_upload"] * 2


async def test_what_cannot_be_had_is_named_and_nothing_is_filed_or_used(intake: Intake) -> None:
    good = await uploaded(intake, picture("PNG"))
    foreign = await uploaded(intake, picture("PNG"), headers=intake.citizen(STRANGER))
    headers = {**intake.citizen(), "Tus-Resumable": "1.0.0", "Upload-Length": "100"}
    open_one = (await intake.http.post("/v1/uploads", headers=headers)).headers["location"].rpartition("/")[2]
    answer = await file(intake, [good, foreign, open_one, "nothing", good])
    assert answer.status_code == 422
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [
        ("/attachments/1", "unknown_upload"),
        ("/attachments/2", "unfinished_upload"),
        ("/attachments/3", "unknown_upload"),
        ("/attachments/4", "used_upload"),
    ]
    assert (await file(intake, ["x"] * 11)).json()["errors"][0]["code"] == "too_many"
    assert await intake.database.fetchval("SELECT count(*) FROM cases") == 0
    assert await intake.database.fetchval("SELECT count(*) FROM outbox") == 0
    assert (await file(intake, [good])).status_code == 201


async def test_a_key_files_once_with_its_files_however_it_is_repeated(intake: Intake) -> None:
    photo = await uploaded(intake, picture("PNG"))
    answers = await asyncio.gather(*(file(intake, [photo], key="k") for _ in range(5)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    again = await file(intake, [photo], key="k")
    assert again.status_code == 201
    assert {answer.text for answer in answers if answer.status_code == 201} <= {again.text}
    assert (await file(intake, [photo], key="k", subject="موضوعی دیگر")).status_code == 422
    other = await file(intake, [photo])
    assert other.json()["errors"][0]["code"] == "used_upload"
    assert await intake.database.fetchval("SELECT count(*) FROM cases") == 1
    assert await intake.database.fetchval("SELECT count(*) FROM attachments") == 1


async def test_a_file_that_cannot_be_read_is_refused_when_its_last_piece_comes(intake: Intake) -> None:
    answer = await upload(intake, picture("JPEG")[:300])
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:seda:problem:file-unreadable"
    assert not answer.json()["title"].isascii()
    assert await intake.database.fetchval("SELECT count(*) FROM uploads") == 0


@pytest.mark.parametrize("lost", ["missing", "changed"])
async def test_a_file_that_the_store_lost_is_never_a_500_and_never_given_out(
    intake: Intake, tmp_path: Path, lost: str
) -> None:
    path = (await file(intake, [await uploaded(intake, picture("PNG"))])).headers["location"]
    (place,) = [place for place in (tmp_path / "files").rglob("*") if place.is_file()]
    place.chmod(0o600)
    place.write_bytes(place.read_bytes()[:-1] + b"?") if lost == "changed" else place.unlink()
    assert (await intake.http.get(f"{path}/attachments/1", headers=intake.citizen())).status_code == 410


async def test_an_operator_s_files_become_those_of_the_citizen(intake: Intake) -> None:
    operator = intake.caller(Principal("staff", "operator", roles=frozenset({"operator"}), title="میز ثبت"))
    scan = await uploaded(intake, unpacked(paper()), headers=operator)
    case = complaint(channel="letter", attachments=[scan])
    case["citizen"] = {**case["citizen"], "mobile": "09121234567"}
    filed = await intake.http.post("/v1/cases", json=case, headers={**operator, "Idempotency-Key": "o"})
    assert filed.status_code == 201, filed.text
    got = await intake.http.get(f"{filed.headers['location']}/attachments/1", headers=intake.citizen())
    assert got.content.startswith(b"%PDF-")
