"""The presses: a pool of processes that render and sign, each with a warm compiler and the office's key."""

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache, partial
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from typing import TypeVar

from services.letters.press.content import Letter
from services.letters.press.rendering import Look, render, warm
from services.letters.press.signing import Office

LONGEST_SECONDS = 60
"""A press that takes longer over one letter is ended, and another begins."""


T = TypeVar("T")


class PressBroken(Exception):
    """A press ended in the middle of its work; the next try finds a new one."""


class Press:
    """Renders and signs letters, ``processes`` at a time, beside the event loop."""

    def __init__(self, look: Look, *, keys: Path, tsa_url: str | None, processes: int) -> None:
        """``keys`` is the folder of ``letters-*.pem``, ``tsa_url`` an authority for time stamps (None: development's).
        Raises OSError or ValueError if a key is missing or is none."""
        Office(keys, tsa_url=tsa_url)  # so that it is found at the start, and not at the first letter
        self._look = look
        self._keys = keys
        self._tsa_url = tsa_url
        self._processes = processes
        self._pool = self._new_pool()

    async def warm(self) -> None:
        """Starts the processes and reads fonts and template, so that the first letter need not wait for it."""
        await asyncio.gather(*(self._run(warm, self._look) for _ in range(self._processes)))

    async def render(self, letter: Letter) -> bytes:
        """The PDF, not signed. Raises ``UnrenderableText``, ``CannotRender``, ``PressBroken``."""
        return await self._run(render, letter, self._look)

    async def make(self, letter: Letter) -> bytes:
        """The signed PDF. Raises as ``render``, and ``NotSigned``."""
        return await self._run(_make, letter, self._look, self._keys, self._tsa_url)

    def close(self) -> None:
        """Ends the processes after what they have in hand."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _run(self, work: Callable[..., T], *args: object) -> T:
        pool = self._pool
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, partial(_bounded, work, *args))
        except BrokenProcessPool:
            if pool is self._pool:
                self._pool = self._new_pool()
                pool.shutdown(wait=False, cancel_futures=True)
            raise PressBroken from None

    def _new_pool(self) -> ProcessPoolExecutor:
        # not fork: the parent runs an event loop and threads
        return ProcessPoolExecutor(self._processes, mp_context=get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """A press ends with its parent, however that ends: the pool itself would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_with, args=(parent,), daemon=True).start()
    # an interrupt at the terminal goes to the parent, too, which closes the pool
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(0)


def _bounded(work: Callable[..., T], *args: object) -> T:
    # SIGALRM is not handled, and so ends the process, even inside the compiler
    signal.alarm(LONGEST_SECONDS)
    try:
        return work(*args)
    finally:
        signal.alarm(0)


def _make(letter: Letter, look: Look, keys: Path, tsa_url: str | None) -> bytes:
    return _runner().run(_office(keys, tsa_url).sign(render(letter, look), letter.language))


@lru_cache(maxsize=1)
def _runner() -> asyncio.Runner:
    return asyncio.Runner()


@lru_cache(maxsize=1)
def _office(keys: Path, tsa_url: str | None) -> Office:
    return Office(keys, tsa_url=tsa_url)
