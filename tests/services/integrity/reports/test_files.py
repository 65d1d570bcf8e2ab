"""Files of a report: the original as it came, a copy without what betrays, and nobody else's."""

import asyncio
import io
import os
import time
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image

from services.integrity.auditing.evidence import audit_evidence
from services.integrity.auditing.findings import Finding
from services.integrity.reports.files import STRAY_SECONDS
from services.integrity.reports.repository import add_files
from services.integrity.sealing.age import ReportKey, SecretKey, open_sealed
from shared.kit.auth import Principal
from shared.kit.uploads import FolderStore, owner_of
from tests.services.integrity.people import REPORT, Irm
from tests.shared.kit.chassis import until


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


def _age(place: Path) -> None:
    """As if it had lain there for a day and an hour."""
    old = time.time() - STRAY_SECONDS - 3600
    os.utime(place, (old, old))


def _evidence(irm: Irm) -> set[Path]:
    return {place for place in irm.settings.evidence_dir.rglob("*") if place.is_file()}


async def test_a_file_that_no_report_has_is_swept_after_a_day_and_no_other_ever(irm: Irm) -> None:
    files, database = irm.resources.files, irm.database_of_service
    citizen = Principal("citizen", str(uuid4()))
    filed = await irm.post({**REPORT, "attachments": [await irm.upload(photo(), irm.caller(citizen))]}, caller=citizen)
    assert filed.status_code == 201
    for place in _evidence(irm):
        _age(place)
    kept = _evidence(irm)
    name = await irm.upload(photo(), irm.caller(citizen))

    async def fail() -> None:
        async with database.transaction() as connection:
            await files.take(connection, [name], owner_of(citizen), SecretKey.generate().recipient, 1)
            raise ZeroDivisionError  # whatever a transaction fails of

    with pytest.raises(ZeroDivisionError):
        await fail()
    strays = _evidence(irm) - kept
    assert len(strays) == 2
    assert await files.sweep(database) == 0
    for place in strays:
        _age(place)
    assert await files.sweep(database) == 2
    assert _evidence(irm) == kept
    assert len(await opened(irm, filed.json()["report_no"])) == 1


async def test_a_file_of_a_filing_under_way_is_never_swept_however_old_it_seems(irm: Irm) -> None:
    """Its row is not there yet; the sweeper waits until it is known whether it comes."""
    files, database = irm.resources.files, irm.database_of_service
    row = (await irm.file())["row"]
    citizen = Principal("citizen", str(uuid4()))

    async def waits() -> bool:
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 5315 AND NOT granted"
        return bool(await irm.database.fetchval(waiting))

    for kept in (True, False):
        name = await irm.upload(photo(), irm.caller(citizen))
        before = _evidence(irm)
        swept = None
        try:
            async with database.transaction() as open_:
                taken = await files.take(open_, [name], owner_of(citizen), row["recipient"], 1, report_id=row["id"])
                new = _evidence(irm) - before
                for place in new:
                    _age(place)
                swept = asyncio.create_task(files.sweep(database))
                await until(waits, "the sweeper")
                await add_files(open_, [(row["id"], 1, file) for file in taken])
                if not kept:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        assert swept is not None
        assert await swept == (0 if kept else 2)
        assert (new <= _evidence(irm)) is kept
    await irm.database.execute("DELETE FROM report_files WHERE report_id = $1", row["id"])


async def test_filings_while_everything_is_swept_all_the_time_lose_nothing(irm: Irm) -> None:
    done = asyncio.Event()

    async def sweep() -> None:
        while not done.is_set():
            await irm.resources.files.sweep(irm.database_of_service, -60)  # every file is old enough

    async def file(n: int) -> str:
        citizen = Principal("citizen", str(uuid4()))
        name = await irm.upload(photo(), irm.caller(citizen))
        answer = await irm.post({**REPORT, "attachments": [name]}, caller=citizen)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["report_no"])

    sweeping = asyncio.create_task(sweep())
    numbers = await asyncio.gather(*(file(n) for n in range(6)))
    done.set()
    await sweeping
    findings, count = await audit_evidence_of(irm)
    assert findings == []
    assert count >= 2 * len(numbers)


async def audit_evidence_of(irm: Irm) -> tuple[list[Finding], int]:
    """What an audit says of the files."""
    async with irm.database.transaction():
        return await audit_evidence(irm.database, FolderStore(irm.settings.evidence_dir))
