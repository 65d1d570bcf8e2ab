"""Where models are: files named by what they are, in a folder that may be lost.

The cold start's model is trained from the repository alone wherever it is missing, to the same bytes; one refitted from
officers' decisions is kept in the database and fetched from there.
"""

import asyncio
import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.classify import repository
from services.routing.classify.examples import cold_corpus
from services.routing.classify.model import Model, ModelError
from services.routing.classify.training import train
from shared.kit.telemetry import log

LOOK_AGAIN_SECONDS = 30
"""How old the knowledge may be of which model is the promoted one."""

_RECIPE = ("augment.py", "examples.py", "features.py", "model.py", "training.py")

P = ParamSpec("P")
T = TypeVar("T")


class NoModel(Exception):
    """The cold start's model is not trained yet."""


class Models:
    """The models of one process; ``folder`` is where their files are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._current: Model | None = None
        self._looked_at = 0.0

    async def current(self, connection: AsyncConnection) -> Model:
        """The promoted model, or the cold start's before there is one, and if it is of an older format. Raises NoModel
        while that is being trained."""
        now = time.monotonic()
        if self._current is not None and now - self._looked_at < LOOK_AGAIN_SECONDS:
            return self._current
        promoted = await repository.promoted(connection)
        if promoted is None:
            self._current = await asyncio.to_thread(self._cold)
        elif self._current is None or self._current.sha256 != promoted:
            try:
                self._current = await self._fetched(connection, promoted)
            except ModelError:
                log.warning("classifier_unreadable", outcome="cold start")
                self._current = await asyncio.to_thread(self._cold)
        self._looked_at = now
        return self._current

    def _cold(self) -> Model:
        if self._current is not None and self._current.version.startswith("cold-"):
            return self._current
        path = self._folder / cold_name()
        if not path.is_file():
            raise NoModel
        return Model.load(path.read_bytes())

    async def _fetched(self, connection: AsyncConnection, sha256: str) -> Model:
        path = self._folder / f"{sha256}.npz"
        content = await asyncio.to_thread(_read, path)
        if content is None or hashlib.sha256(content).hexdigest() != sha256:
            content = await repository.content(connection, sha256)
            if content is None or hashlib.sha256(content).hexdigest() != sha256:
                raise ModelError("the promoted model's content is not what its hash says")
            await asyncio.to_thread(_write, path, content)
        return await asyncio.to_thread(Model.load, content)

    async def ensure_cold(self) -> None:
        """Trains the cold start's model if its file is missing, in a process of its own."""
        if not (self._folder / cold_name()).is_file():
            await in_a_process(train_cold, self._folder)


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def train_cold(folder: Path) -> Path:
    """Trains the cold start's model into ``folder``; the file, which is there already if nothing changed since."""
    path = folder / cold_name()
    if not path.is_file():
        _write(path, train(cold_corpus()).dump())
    return path


@cache
def cold_name() -> str:
    """The name of the cold start's file: of the texts and of the recipe that it is made by."""
    recipe = hashlib.sha256(cold_corpus().fingerprint.encode())
    for name in _RECIPE:
        recipe.update(Path(__file__).with_name(name).read_bytes())
    return f"cold-{recipe.hexdigest()[:16]}.npz"


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, whoever else writes the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    os.replace(file.name, path)


async def in_a_process(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs what takes minutes of a processor apart, so that it holds up no event here, and at low priority. OSError if
    that process is killed."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=os.nice, initargs=(10,)) as pool:
        try:
            return await asyncio.wrap_future(pool.submit(work, *args, **kwargs))
        except BrokenProcessPool as error:
            raise OSError("the process was ended") from error
