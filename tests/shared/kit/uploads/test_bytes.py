"""Whatever splits, repeats and interruptions a network makes, the file that is claimed is the file that was sent."""

import asyncio
import base64
import hashlib
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect

from deploy.local.packages import ROOT
from deploy.local.ports import free_port
from shared.kit.cleaning import Unreadable
from shared.kit.uploads.kinds import media_type_of
from shared.kit.uploads.store import FRAME_BYTES
from shared.kit.web.problems import Problem
from tests.shared.kit.chassis import until
from tests.shared.kit.uploads.conftest import OWNER, PNG, Files

Action = tuple[str, int]


async def broken_off(data: bytes) -> AsyncIterator[bytes]:
    """A body whose client leaves when half of it has come."""
    yield data[: len(data) // 2]
    raise ClientDisconnect


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["send", "repeat", "ahead", "break", "crash", "checked", "corrupted"]), st.integers(1, 400)
    ),
    max_size=12,
)


async def test_any_way_of_sending_gives_the_same_bytes(files: Files) -> None:
    running = asyncio.get_running_loop()

    @settings(max_examples=25)
    @given(st.binary(min_size=1, max_size=1500), ACTIONS)
    def holds(rest: bytes, actions: list[Action]) -> None:
        asyncio.run_coroutine_threadsafe(sent(files, PNG + rest, actions), running).result()

    await asyncio.to_thread(holds)  # hypothesis is synchronous, the service is not


async def sent(files: Files, content: bytes, actions: list[Action]) -> None:
    """Sends a file in the way told, and then whatever is left of it."""
    path = await files.create(len(content))
    name = path.rpartition("/")[2]
    for action, size in actions:
        at = await files.offset(path)
        piece = content[at : at + size]
        if action == "repeat" and at:
            assert (await files.patch(path, max(0, at - size), piece or b"x")).status_code == 409
        elif action == "ahead":
            assert (await files.patch(path, at + size, b"x")).status_code == 409
        elif action == "break" and piece:
            with pytest.raises(ClientDisconnect):
                await files.uploads.append(OWNER, name, at, broken_off(piece))
            assert await files.offset(path) == at + len(piece) // 2, "what came is kept"
        elif action == "crash":
            # what a process that died between writing and committing leaves behind
            for place in files.folder.rglob(f"{name}*"):
                with place.open("ab") as file:
                    file.write(random.randbytes(size))
        elif action in ("checked", "corrupted"):
            digest = hashlib.sha256(piece if action == "checked" else piece + b"x").digest()
            header = {"Upload-Checksum": f"sha256 {base64.b64encode(digest).decode()}"}
            answer = await files.patch(path, at, piece, **header)
            assert answer.status_code == (204 if action == "checked" else 460)
        else:
            assert (await files.patch(path, at, piece)).status_code == 204
    at = await files.offset(path)
    assert (await files.patch(path, at, content[at:])).status_code == 204
    assert await files.claimed(path) == content
    await files.uploads.sweep()
    assert files.on_disk() == b""


async def test_a_long_piece_is_kept_frame_by_frame(files: Files) -> None:
    content = PNG + random.randbytes(3 * FRAME_BYTES)
    path = await files.create(len(content))
    offsets = []

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(content), 65_536):
            offsets.append(await files.offset(path))
            yield content[at : at + 65_536]

    await files.uploads.append(OWNER, path.rpartition("/")[2], 0, pieces())
    assert sorted(set(offsets)) == [n * FRAME_BYTES for n in range(4)]
    assert await files.claimed(path) == content


async def test_a_claim_names_each_that_it_cannot_have_and_takes_none(files: Files) -> None:
    whole, part, foreign = [await files.create(20) for _ in range(3)]
    for path in (whole, foreign):
        await files.patch(path, 0, PNG + bytes(12))
    await files.sql.execute("UPDATE uploads SET owner = 'x' WHERE id = $1::uuid", foreign[-32:])
    names = [path[-32:] for path in (whole, part, foreign, whole)] + ["nothing"]
    async with files.database.transaction() as connection:
        with pytest.raises(Problem) as raised:
            await files.uploads.claim(connection, names, OWNER)
    assert {(fault.pointer, fault.code) for fault in raised.value.errors} == {
        ("/attachments/1", "unfinished_upload"),
        ("/attachments/2", "unknown_upload"),
        ("/attachments/3", "used_upload"),
        ("/attachments/4", "unknown_upload"),
    }
    assert await files.claimed(whole) == PNG + bytes(12)
    async with files.database.transaction() as connection:
        with pytest.raises(Problem, match="invalid-fields") as again:
            await files.uploads.claim(connection, names[:1], OWNER)
    assert again.value.errors[0].code == "used_upload"
    assert (await files.http.head(whole, headers=files.caller())).status_code == 410
    assert await files.sql.fetchval("SELECT count(*) FROM uploads WHERE key_sealed IS NULL") == 1


async def test_a_claim_that_is_rolled_back_leaves_the_file_to_be_claimed_again(files: Files) -> None:
    path = await files.create(20)
    await files.patch(path, 0, PNG + bytes(12))
    async with files.database.engine.connect() as connection:
        await files.uploads.claim(connection, [path[-32:]], OWNER)
        await connection.rollback()
    await files.uploads.sweep()
    assert await files.claimed(path) == PNG + bytes(12)


async def test_what_a_crash_left_over_is_swept_when_it_is_old_and_nothing_else(files: Files) -> None:
    path = await files.create(20)
    await files.patch(path, 0, PNG)
    left = files.folder / "ab" / "ab0123"
    left.parent.mkdir()
    left.write_bytes(b"a piece with a checksum that never ended")
    await files.uploads.sweep()
    assert left.exists()
    os.utime(left, (0, 0))
    await files.uploads.sweep()
    assert not left.exists()
    assert await files.offset(path) == 8


async def test_what_is_prepared_is_what_is_claimed_once_and_after_a_crash_too(files: Files) -> None:
    calls = 0

    async def prepare(content: bytes, media_type: str) -> bytes:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise TimeoutError
        if content.endswith(b"bad"):
            raise Unreadable
        return content.upper() + media_type.encode()

    files.uploads = uploads = files.uploads_with(prepare)
    path = await files.create(20)
    assert (await files.patch(path, 0, PNG + b"abcdefghijkl")).status_code == 503, "too busy"
    assert await files.offset(path) == 20
    async with files.database.transaction() as connection:
        with pytest.raises(Problem) as raised:
            await uploads.claim(connection, [path[-32:]], OWNER)
    assert raised.value.errors[0].code == "unfinished_upload"
    for _ in range(2):
        await uploads.finish([path[-32:], "nothing"], OWNER)
    assert calls == 2
    async with files.database.transaction() as connection:
        (file,) = await uploads.claim(connection, [path[-32:]], OWNER)
        assert await file.read() == PNG + b"ABCDEFGHIJKLimage/png"
        assert (file.size, file.media_type) == (29, "image/png")
    bad = await files.create(11)
    answer = await files.patch(bad, 0, PNG + b"bad")
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:seda:problem:file-unreadable"
    assert (await files.http.head(bad, headers=files.caller())).status_code == 404


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def start(dsn: str, keys: Path, tmp_path: Path, port: int) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts the service as a process; again, if it is not running."""
    processes: list[subprocess.Popen[bytes]] = []

    def started() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.shared.kit.uploads.server"]
        arguments = [dsn, str(keys), str(tmp_path / "store"), str(port)]
        processes.append(subprocess.Popen([*command, *arguments], cwd=ROOT))
        return processes[-1]

    yield started
    for process in processes:
        process.kill()
        process.wait()


async def until_killed(
    files: Files, content: bytes, begin: int, kill_at: int, process: subprocess.Popen[bytes]
) -> AsyncIterator[bytes]:
    """A body on whose way the service, once some of it is kept, is killed with no time to put anything away."""
    for at in range(begin, len(content), 100_000):
        if at >= kill_at:
            kept = partial(files.sql.fetchval, "SELECT true FROM uploads WHERE received > $1", begin)
            await until(kept, "the first frame")
            process.kill()
            process.wait()
            return
        yield content[at : at + 100_000]


async def test_an_upload_goes_on_after_kill_9_and_is_the_same_file(
    files: Files, start: Callable[[], subprocess.Popen[bytes]], port: int
) -> None:
    content = PNG + random.randbytes(4 * 1024 * 1024)
    path = await files.create(len(content))
    stands = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as http:
        files.http, local = http, files.http
        for kill_at in (1_500_000, 2_700_000, len(content)):
            process = start()
            await until(lambda: is_ready(http), "the service")
            at = await files.offset(path)
            stands.append(at)
            headers = files.caller(**{"Upload-Offset": str(at), "Content-Type": "application/offset+octet-stream"})
            sending = http.patch(path, content=until_killed(files, content, at, kill_at, process), headers=headers)
            if kill_at < len(content):
                with pytest.raises(httpx.TransportError):
                    await sending
            else:
                assert (await sending).status_code == 204
        files.http = local
    assert 0 == stands[0] < stands[1] < stands[2] < len(content), stands
    sent = await files.claimed(path)
    assert hashlib.sha256(sent).hexdigest() == hashlib.sha256(content).hexdigest()


async def is_ready(http: httpx.AsyncClient) -> bool:
    """Whether the service answers."""
    try:
        return (await http.get("/healthz")).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", None),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1", "application/pdf"),
        (b"\n%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", None),
        (b"OggS\x00\x02" + bytes(10), "audio/ogg"),
        (b"\x00\x00\x00\x20ftypM4A \x00\x00\x00\x00", "audio/mp4"),
        (b"\x00\x00\x00\x20ftypqt  \x00\x00\x00\x00", None),
        (b"ID3\x04" + bytes(12), "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + bytes(12), "audio/mpeg"),
        (b"\xff\xfe<\x00h\x00t\x00m\x00l\x00>\x00\x00\x00", None),
        (b"<svg xmlns='http", None),
        (b"<!DOCTYPE html><", None),
        (b"PK\x03\x04" + bytes(12), None),
        (b"GIF89a" + bytes(10), None),
        (b"", None),
    ],
)
def test_kinds_are_told_by_the_first_bytes(head: bytes, kind: str | None) -> None:
    assert media_type_of(head) == kind
