"""Starts processes, starts them again when they crash, and stops them; touches no other."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

STOP_SECONDS = 20.0
_STEADY_SECONDS = 10.0
_LONGEST_PAUSE = 10.0


@dataclass
class _Child:
    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = 0.5
    again_at: float = field(default=0.0)


class Supervisor:
    """``add`` processes, then call ``look`` every so often; ``stop`` ends them, the last started first."""

    def __init__(self, folder: Path, logs: Path, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._logs = logs
        self._say = say
        self._children: list[_Child] = []
        logs.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Starts a process; its output goes to ``<logs>/<name>.log``."""
        child = _Child(name, command, environment, self._logs / f"{name}.log")
        self._children.append(child)
        self._start(child)

    def pids(self) -> dict[str, int]:
        """The processes that run."""
        return {child.name: child.process.pid for child in self._children if child.process is not None}

    def look(self) -> None:
        """Starts again what has crashed, after a pause that grows with each crash in a row."""
        now = time.monotonic()
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                if now - child.started > _STEADY_SECONDS:
                    child.pause = 0.5
                status = child.process.returncode
                _end_group(child.process)
                self._say(f"{child.name} ended ({status}); again in {child.pause:g} s, see {child.log}")
                child.process = None
                child.again_at = now + child.pause
                child.pause = min(child.pause * 2, _LONGEST_PAUSE)
            if child.process is None and now >= child.again_at:
                self._start(child)

    def stop(self) -> None:
        """Asks every process to end, and ends those that do not within ``STOP_SECONDS``."""
        running = [child for child in reversed(self._children) if child.process is not None]
        for child in running:
            if child.process is not None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for child in running:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._say(f"{child.name} does not stop; ended by force")
            _end_group(child.process)
            child.process = None
        self._children.clear()

    def _start(self, child: _Child) -> None:
        with child.log.open("ab") as log:
            child.process = subprocess.Popen(
                # if we are killed ourselves, the child is told to end: nobody would look after it any more
                ["setpriv", "--pdeathsig", "TERM", *child.command],
                cwd=self._folder,
                env=dict(child.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # a Ctrl-C in the terminal is for us; we stop the others in order
                process_group=0,
            )
        child.started = time.monotonic()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ends a process, and what it started itself and may have left behind; each has a process group of its own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
