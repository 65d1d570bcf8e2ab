"""tus 1.0, requirement by requirement (https://tus.io/protocols/resumable-upload), and what we ask for beyond it."""

import asyncio
import base64
import hashlib
import os
from typing import Any

import pytest

from shared.kit.uploads import Damaged
from tests.shared.kit.uploads.conftest import PNG, Files

PIECE = {"Content-Type": "application/offset+octet-stream"}


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


@pytest.mark.parametrize("path", ["/v1/uploads", f"/v1/uploads/{'0' * 32}"])
async def test_options_say_what_is_spoken_without_a_login(files: Files, path: str) -> None:
    answer = await files.http.options(path)
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == answer.headers["tus-resumable"] == "1.0.0"
    assert answer.headers["tus-max-size"] == str(files.uploads.limits.file_bytes)
    assert set(answer.headers["tus-extension"].split(",")) == {
        *("creation", "creation-with-upload", "termination", "expiration", "checksum")
    }
    assert "sha1" in answer.headers["tus-checksum-algorithm"].split(","), "which every server of checksums must know"


NO: dict[str, str] = {}
CREATION: list[tuple[str, dict[str, str], int]] = [
    ("a length", {"Upload-Length": "10"}, 201),
    ("the longest", {"Upload-Length": str(8 * 1024 * 1024)}, 201),
    ("longer than Tus-Max-Size", {"Upload-Length": str(8 * 1024 * 1024 + 1)}, 413),
    ("no length", NO, 400),
    ("a negative length", {"Upload-Length": "-1"}, 400),
    ("a length in words", {"Upload-Length": "ten"}, 400),
    ("a length in Persian digits", {"Upload-Length": "%DB%B1"}, 400),
    ("an endless length", {"Upload-Length": "9" * 30}, 400),
    ("an empty file has no kind", {"Upload-Length": "0"}, 415),
    ("a deferred length, which is not offered", {"Upload-Defer-Length": "1"}, 400),
    ("metadata", {"Upload-Length": "10", "Upload-Metadata": f"filename {encoded('a.png')},is_confidential"}, 201),
    ("a key twice", {"Upload-Length": "10", "Upload-Metadata": "a,a"}, 400),
    ("no Base64", {"Upload-Length": "10", "Upload-Metadata": "a !!"}, 400),
    ("an empty key", {"Upload-Length": "10", "Upload-Metadata": "a,,b"}, 400),
    ("too much metadata", {"Upload-Length": "10", "Upload-Metadata": "a " + "A" * 4100}, 400),
    ("a version that is not ours", {"Upload-Length": "10", "Tus-Resumable": "0.2.2"}, 412),
    ("a body that is no piece", {"Upload-Length": "10", "Content-Type": "image/png"}, 415),
    ("an unknown checksum", {"Upload-Length": "10", **PIECE, "Upload-Checksum": "crc32 AAAAAA=="}, 400),
]


@pytest.mark.parametrize(("what", "headers", "status"), CREATION, ids=[row[0] for row in CREATION])
async def test_creation(files: Files, what: str, headers: dict[str, str], status: int) -> None:
    answer = await files.http.post("/v1/uploads", headers=files.caller(**headers))
    assert answer.status_code == status, what
    assert answer.headers["tus-resumable"] == "1.0.0", "on problems, too"
    if status == 201:
        assert answer.headers["location"].startswith("/v1/uploads/")
        assert answer.headers["upload-expires"].endswith(" GMT")
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert await files.sql.fetchval("SELECT count(*) FROM uploads") == 0
    if status == 412:
        assert answer.headers["tus-version"] == "1.0.0"


async def test_head_tells_offset_length_and_metadata_and_is_not_cached(files: Files) -> None:
    metadata = f"filename {encoded('فیش حقوق.png')},purpose {encoded('case')}"
    path = await files.create(20, **{"Upload-Metadata": metadata})
    await files.patch(path, 0, PNG)
    answer = await files.http.head(path, headers=files.caller())
    assert answer.status_code == 200
    assert (answer.headers["upload-offset"], answer.headers["upload-length"]) == ("8", "20")
    assert answer.headers["upload-metadata"] == metadata
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["tus-resumable"] == "1.0.0"


PATCHES: list[tuple[str, int, bytes, dict[str, str], int, int]] = [
    ("a piece", 8, b"12", {}, 204, 10),
    ("nothing", 8, b"", {}, 204, 8),
    ("the rest", 8, b"x" * 12, {}, 204, 20),
    ("before where it stands", 7, b"1", {}, 409, 8),
    ("beyond where it stands", 9, b"1", {}, 409, 8),
    ("more than was announced", 8, b"x" * 13, {}, 413, 8),
    ("another content type", 8, b"1", {"Content-Type": "application/octet-stream"}, 415, 8),
    ("JSON", 8, b"1", {"Content-Type": "application/json"}, 415, 8),
    ("no offset", 8, b"1", {"Upload-Offset": ""}, 400, 8),
    ("a negative offset", 8, b"1", {"Upload-Offset": "-8"}, 400, 8),
    ("no version", 8, b"1", {"Tus-Resumable": ""}, 412, 8),
    ("a right sha1", 8, b"12", {"Upload-Checksum": "sha1 " + encoded(hashlib.sha1(b"12").digest())}, 204, 10),
    ("a right sha256", 8, b"12", {"Upload-Checksum": "sha256 " + encoded(hashlib.sha256(b"12").digest())}, 204, 10),
    ("a wrong sha256", 8, b"13", {"Upload-Checksum": "sha256 " + encoded(hashlib.sha256(b"12").digest())}, 460, 8),
    ("an unknown algorithm", 8, b"12", {"Upload-Checksum": "md5 " + encoded(hashlib.md5(b"12").digest())}, 400, 8),
    ("no digest", 8, b"12", {"Upload-Checksum": "sha1"}, 400, 8),
    ("another's digest", 8, b"12", {"Upload-Checksum": "sha1 " + encoded(bytes(32))}, 400, 8),
    ("a checksum of too much", 8, b"x" * 13, {"Upload-Checksum": "sha1 " + encoded(bytes(20))}, 413, 8),
]


@pytest.mark.parametrize(("what", "offset", "body", "headers", "status", "after"), PATCHES, ids=[p[0] for p in PATCHES])
async def test_patch(
    files: Files, what: str, offset: int, body: bytes, headers: dict[str, str], status: int, after: int
) -> None:
    path = await files.create(20)
    assert (await files.patch(path, 0, PNG)).headers["upload-offset"] == "8"
    answer = await files.patch(path, offset, body, **headers)
    assert answer.status_code == status, what
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert await files.offset(path) == after
    if status == 204:
        assert answer.headers["upload-offset"] == str(after)
        assert answer.headers["upload-expires"].endswith(" GMT")
    if status == 409:
        assert answer.headers["upload-offset"] == "8"


async def test_creation_may_bring_the_beginning(files: Files) -> None:
    headers = files.caller(**{"Upload-Length": "20", **PIECE})
    answer = await files.http.post("/v1/uploads", headers=headers, content=PNG)
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, "8")
    assert await files.offset(answer.headers["location"]) == 8


async def test_termination(files: Files) -> None:
    path = await files.create(20)
    await files.patch(path, 0, PNG)
    answer = await files.http.delete(path, headers=files.caller())
    assert (answer.status_code, answer.headers["tus-resumable"]) == (204, "1.0.0")
    assert (await files.http.head(path, headers=files.caller())).status_code == 404
    assert (await files.patch(path, 8, b"1")).status_code == 404
    assert files.on_disk() == b""


async def test_expiration(files: Files) -> None:
    path = await files.create(20)
    await files.patch(path, 0, PNG)
    await files.sql.execute("UPDATE uploads SET expires_at = now() - interval '1 second'")
    assert (await files.patch(path, 8, b"1")).status_code == 410
    await files.uploads.sweep()
    assert files.on_disk() == b""
    assert await files.sql.fetchval("SELECT key_sealed FROM uploads") is None
    assert (await files.http.head(path, headers=files.caller())).status_code == 410
    await files.sql.execute("UPDATE uploads SET expires_at = now() - interval '8 days'")
    await files.uploads.sweep()
    assert (await files.http.head(path, headers=files.caller())).status_code == 404


async def test_nothing_is_stored_for_whoever_may_not(files: Files) -> None:
    body = {"Upload-Length": "20", **PIECE, "Tus-Resumable": "1.0.0"}
    assert (await files.http.post("/v1/uploads", headers=body, content=PNG)).status_code == 401
    partner = files.caller("p", "partner", **{"Upload-Length": "20", **PIECE})
    assert (await files.http.post("/v1/uploads", headers=partner, content=PNG)).status_code == 403
    assert await files.sql.fetchval("SELECT count(*) FROM uploads") == 0
    assert not files.folder.exists()


async def test_a_foreign_upload_is_not_there(files: Files) -> None:
    path = await files.create(20)
    await files.patch(path, 0, PNG)
    stranger = files.caller("somebody-else", **{"Upload-Offset": "8", **PIECE})
    for method in ("HEAD", "PATCH", "DELETE"):
        assert (await files.http.request(method, path, headers=stranger)).status_code == 404
    assert await files.offset(path) == 8
    unknown = ("/v1/uploads/" + "0" * 32, "/v1/uploads/x", "/v1/uploads/..%2f", "/v1/uploads/" + "٠" * 32)
    for path in unknown:
        assert (await files.http.head(path, headers=files.caller())).status_code == 404


@pytest.mark.parametrize("split", [1, 7, 16, 100])
async def test_a_kind_of_file_that_is_not_taken_is_refused_by_its_first_bytes_and_goes(
    files: Files, split: int
) -> None:
    program = b"MZ" + bytes(98)
    path = await files.create(100, **{"Upload-Metadata": f"filetype {encoded('image/png')}"})
    at, status = 0, 204
    while status == 204 and at < 100:
        answer = await files.patch(path, at, program[at : at + split])
        at, status = at + split, answer.status_code
    assert (status, at) == (415, max(16, -(-16 // split) * split))
    assert (await files.http.head(path, headers=files.caller())).status_code == 404
    assert files.on_disk() == b""


async def test_one_owner_has_so_many_and_so_much_under_way(files: Files) -> None:
    paths = [await files.create(10) for _ in range(4)]
    answer = await files.http.post("/v1/uploads", headers=files.caller(**{"Upload-Length": "10"}))
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 3600
    other = await files.http.post("/v1/uploads", headers=files.caller("another", **{"Upload-Length": "10"}))
    assert other.status_code == 201
    for path in paths:
        await files.http.delete(path, headers=files.caller())
    biggest = {"Upload-Length": str(8 * 1024 * 1024)}
    at_once = [files.http.post("/v1/uploads", headers=files.caller(**biggest)) for _ in range(4)]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*at_once))
    assert statuses == [201, 201, 429, 429]


async def test_of_two_who_send_the_same_piece_one_is_told_to_look(files: Files) -> None:
    path = await files.create(20)
    answers = await asyncio.gather(*(files.patch(path, 0, PNG + bytes([n])) for n in range(5)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [204, 409, 409, 409, 409]
    assert await files.offset(path) == 9


async def test_bytes_on_the_disk_are_noise_and_a_changed_one_is_noticed(files: Files) -> None:
    canary = b"CANARY-0499370899" * 1000
    metadata = encoded("CANARY-name.png")
    path = await files.create(8 + len(canary), **{"Upload-Metadata": f"filename {metadata}"})
    await files.patch(path, 0, PNG + canary[:10_000])
    await files.patch(path, 10_008, canary[10_000:])
    disk = files.on_disk()
    assert len(disk) >= len(canary)
    assert b"CANARY" not in disk
    assert b"PNG" not in disk
    row: Any = await files.sql.fetchrow("SELECT uploads::text AS row FROM uploads")
    assert not any(word in row["row"] for word in ("CANARY", "somebody", metadata))
    (place,) = [place for place in files.folder.rglob("*") if place.is_file()]
    spoilt = bytearray(disk)
    spoilt[5000] ^= 1
    place.write_bytes(spoilt)
    with pytest.raises(Damaged):
        await files.claimed(path)


async def test_what_the_store_lost_is_said_to_be_gone(files: Files) -> None:
    path = await files.create(20)
    await files.patch(path, 0, PNG)
    (place,) = [place for place in files.folder.rglob("*") if place.is_file()]
    os.truncate(place, 3)
    assert (await files.patch(path, 8, b"1")).status_code == 410
    assert (await files.http.head(path, headers=files.caller())).status_code == 404
