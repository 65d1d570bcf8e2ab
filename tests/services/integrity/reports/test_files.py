"""Files of a report: the original as it came, a copy without what betrays, and nobody else's."""

import io
from uuid import uuid4

from PIL import Image

from services.integrity.sealing.age import ReportKey, open_sealed
from shared.kit.auth import Principal
from tests.services.integrity.people import REPORT, Irm


def photo() -> bytes:
    """A JPEG that tells in its EXIF who took it."""
    exif = Image.Exif()
    exif[0x013B] = "CANARY the photographer"
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 30, 30)).save(out, "JPEG", exif=exif)
    return out.getvalue()


async def opened(irm: Irm, report_no: str) -> list[tuple[bytes, bytes | None]]:
    """The originals and cleaned copies of a report, opened by a supervisor."""
    row = await irm.row(report_no)
    grant = await irm.database.fetchval(
        "SELECT sealed FROM grants WHERE report_id = $1 AND holder = 'supervisor.a'", row["id"]
    )
    key = ReportKey.open_grant(grant, irm.private["supervisor.a"]).key
    files = []
    for file in await irm.database.fetch("SELECT * FROM report_files WHERE report_id = $1 ORDER BY n", row["id"]):
        store = irm.resources.files
        original = open_sealed(await store.sealed(file["original_sha256"], file["size"]), key)
        cleaned = file["cleaned_sha256"]
        copy = open_sealed(await store.sealed(cleaned, file["cleaned_size"]), key) if cleaned else None
        files.append((original, copy))
    return files


async def test_the_original_is_evidence_and_the_copy_tells_nothing(irm: Irm) -> None:
    picture = photo()
    citizen = Principal("citizen", str(uuid4()))
    name = await irm.upload(picture, irm.caller(citizen))
    answer = await irm.post({**REPORT, "attachments": [name]}, caller=citizen)
    assert answer.status_code == 201, answer.text
    ((original, copy),) = await opened(irm, answer.json()["report_no"])
    assert original == picture
    assert copy is not None
    assert b"CANARY" not in copy
    assert Image.open(io.BytesIO(copy)).size == (64, 48)
    kept = b"".join(p.read_bytes() for p in irm.settings.evidence_dir.rglob("*") if p.is_file())
    assert b"CANARY" not in kept
    assert len(kept) > len(picture)


async def test_a_file_that_cannot_be_cleaned_is_evidence_all_the_same(irm: Irm) -> None:
    broken = photo()[:400]
    filed = await irm.file()
    caller = await irm.session(receipt_code=filed["receipt_code"])
    name = await irm.upload(broken, caller)
    headers = {**caller, "Idempotency-Key": str(uuid4())}
    sent = await irm.http.post(
        "/v1/reports/mine/messages", json={"body": "عکس", "attachments": [name]}, headers=headers
    )
    assert sent.status_code == 201, sent.text
    assert await opened(irm, filed["report_no"]) == [(broken, None)]


async def test_nobody_takes_another_s_file_or_one_twice(irm: Irm) -> None:
    one, other = Principal("citizen", str(uuid4())), Principal("citizen", str(uuid4()))
    name = await irm.upload(photo(), irm.caller(one))
    for caller, code in ((other, "unknown_upload"), (Principal("public", "public"), "unknown_upload")):
        answer = await irm.post({**REPORT, "attachments": [name]}, caller=caller)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)
    key = str(uuid4())
    first = await irm.post({**REPORT, "attachments": [name]}, caller=one, key=key)
    again = await irm.post({**REPORT, "attachments": [name]}, caller=one, key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["report_no"] == first.json()["report_no"]
    twice = await irm.post({**REPORT, "attachments": [name]}, caller=one)
    assert (twice.status_code, twice.json()["errors"][0]["code"]) == (422, "used_upload")
