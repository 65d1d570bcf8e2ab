"""Telling our own processes from all others, and ending them (Linux: read from /proc)."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path


def is_running(pid: int) -> bool:
    """Whether a process of that number runs (one that ended and waits for its parent does not), ours to signal."""
    try:
        os.kill(pid, 0)
        # the state follows the name, which may hold anything, in parentheses (proc(5))
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in ("Z", "X")


def running_pid(file: Path, words: str) -> int | None:
    """The process of a pid file if it has ``words`` in its command line: the number may be another's by now."""
    try:
        pid = int(file.read_text().split()[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError, IndexError):
        return None
    return pid if words.encode() in command.replace(b"\0", b" ") else None


def with_variable(variable: str) -> dict[int, str]:
    """The processes that were started with ``NAME=value`` in their environment: number → command line."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if variable.encode() in (folder / "environ").read_bytes().split(b"\0"):
                command = (folder / "cmdline").read_bytes()
                found[int(folder.name)] = command.replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # ended meanwhile, or another user's: not ours either way
            continue
    return {pid: command for pid, command in found.items() if is_running(pid)}


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Looks every few milliseconds whether ``done``, for so long; whether it became true."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def end(pids: list[int], *, seconds: float) -> None:
    """Asks processes to end (SIGTERM), ends those that have not after ``seconds`` (SIGKILL), and waits for that."""
    _signal(pids, signal.SIGTERM)
    if not wait_until(lambda: not any(map(is_running, pids)), seconds):
        _signal([pid for pid in pids if is_running(pid)], signal.SIGKILL)
        wait_until(lambda: not any(map(is_running, pids)), 5)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
