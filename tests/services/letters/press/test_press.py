import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.packages import ROOT
from services.letters.press.content import UnrenderableText
from services.letters.press.press import Press, PressBroken
from services.letters.press.rendering import CannotRender, render
from services.letters.press.signing import Trust
from tests.services.letters.papers import ENGLISH, LETTER, LOOK


@pytest.fixture(scope="module")
async def press(keys: Path) -> AsyncIterator[Press]:
    press = Press(LOOK, keys=keys, tsa_url=None, processes=2)
    await press.warm()
    yield press
    press.close()


async def test_every_press_gives_the_same_letter_as_this_process(press: Press) -> None:
    rendered = await asyncio.gather(*(press.render(LETTER) for _ in range(6)))
    assert set(rendered) == {render(LETTER, LOOK)}


async def test_letters_come_signed_from_the_press(press: Press, keys: Path) -> None:
    signed = await asyncio.gather(press.make(LETTER), press.make(ENGLISH))
    trust = Trust(keys, own_stamps=True)
    assert [await trust.is_ours(pdf) for pdf in signed] == [True, True]
    assert signed[0].startswith(render(LETTER, LOOK))


async def test_a_refusal_comes_through_without_the_text_and_hurts_nobody_else(press: Press) -> None:
    async def refused() -> BaseException | None:
        try:
            await press.render(replace(LETTER, body="محرمانه 😀"))
        except UnrenderableText as error:
            return error
        return None

    first, _, second = await asyncio.gather(refused(), press.render(LETTER), refused())
    for error in (first, second):
        assert error is not None
        assert "محرمانه" not in f"{error!r} {error.__cause__}"


async def test_a_press_that_is_killed_is_replaced(keys: Path) -> None:
    press = Press(LOOK, keys=keys, tsa_url=None, processes=1)
    try:
        await press.warm()
        [victim] = children(os.getpid(), since=set(_seen))
        os.kill(victim, signal.SIGKILL)
        # the pool may hear of it only with the next letter but one
        tries = await asyncio.gather(*(press.render(LETTER) for _ in range(5)), return_exceptions=True)
        assert any(isinstance(tried, PressBroken) for tried in tries)
        assert await press.render(LETTER) == render(LETTER, LOOK)
    finally:
        press.close()


def test_a_missing_key_is_found_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Press(LOOK, keys=tmp_path, tsa_url=None, processes=1)


async def test_a_missing_font_is_found_at_the_start(keys: Path, tmp_path: Path) -> None:
    press = Press(replace(LOOK, fonts=tmp_path), keys=keys, tsa_url=None, processes=1)
    try:
        with pytest.raises(CannotRender):
            await press.warm()
    finally:
        press.close()


PARENT = """
import asyncio, sys
from pathlib import Path
from services.letters.press.press import Press
from tests.services.letters.papers import LOOK

if __name__ == "__main__":
    press = Press(LOOK, keys=Path(sys.argv[1]), tsa_url=None, processes=2)
    asyncio.run(press.warm())
    print("warm", flush=True)
    sys.stdin.read()
"""


def test_presses_end_with_their_parent_however_it_ends(keys: Path, tmp_path: Path) -> None:
    program = tmp_path / "parent.py"
    program.write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, program, keys],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "warm\n"
    presses = children(parent.pid, since=set())
    assert len(presses) >= 2
    parent.kill()
    parent.communicate()
    until(lambda: not any(Path(f"/proc/{press}/cmdline").exists() for press in presses))


_seen: set[int] = set()


@pytest.fixture(autouse=True)
def _remember_others() -> None:
    _seen.clear()
    _seen.update(children(os.getpid(), since=set()))


def children(parent: int, *, since: set[int]) -> list[int]:
    """The processes started by ``multiprocessing`` in ``parent`` that are not in ``since``."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status, command = (folder / "stat").read_text(), (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if int(status.rpartition(")")[2].split()[1]) == parent and b"spawn_main" in command:
            found.append(int(folder.name))
    return [pid for pid in found if pid not in since]


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
