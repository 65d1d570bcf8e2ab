"""The supervisor, on small real processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.local.packages import ROOT
from deploy.local.processes import is_running, wait_until
from deploy.local.supervisor import Supervisor

PATIENCE = 20.0
SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
WITH_A_CHILD = [
    sys.executable,
    "-c",
    "import signal, subprocess, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "print(child.pid, flush=True)\n"
    "time.sleep(60)",
]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Supervisor:
    return Supervisor(tmp_path, tmp_path / "logs", said.append)


def looking(supervisor: Supervisor, pid: int) -> int:
    """Looks until another process runs in the place of ``pid``; its number."""

    def replaced() -> bool:
        supervisor.look()
        return supervisor.pids().get("it", pid) != pid

    assert wait_until(replaced, PATIENCE)
    return supervisor.pids()["it"]


def test_a_crashed_process_is_started_again_with_growing_pauses(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.add("it", SLEEPER, os.environ)
    first = supervisor.pids()["it"]
    os.kill(first, signal.SIGKILL)
    began = time.monotonic()
    second = looking(supervisor, first)
    took = time.monotonic() - began
    os.kill(second, signal.SIGKILL)
    began = time.monotonic()
    third = looking(supervisor, second)
    took_then = time.monotonic() - began

    assert is_running(third)
    assert took >= 0.5
    assert took_then >= 1.0
    assert len(said) == 2
    assert "it ended (-9)" in said[0]
    assert "logs/it.log" in said[0]
    supervisor.stop()
    assert not is_running(third)


def test_stop_ends_all_and_what_they_said_is_in_their_logs(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.add("one", SLEEPER, os.environ)
    supervisor.add("two", SLEEPER, os.environ)
    logs = [tmp_path / "logs" / f"{name}.log" for name in ("one", "two")]
    assert wait_until(lambda: all(log.read_text() == "up\n" for log in logs), PATIENCE)
    pids = supervisor.pids().values()

    supervisor.stop()

    assert not any(map(is_running, pids))


def test_one_that_refuses_to_stop_is_ended_with_its_own_children(
    supervisor: Supervisor, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.local.supervisor.STOP_SECONDS", 0.2)
    supervisor.add("it", WITH_A_CHILD, os.environ)
    log = tmp_path / "logs" / "it.log"
    assert wait_until(lambda: log.read_text().endswith("\n"), PATIENCE)
    grandchild = int(log.read_text())

    supervisor.stop()

    assert said == ["it does not stop; ended by force"]
    assert wait_until(lambda: not is_running(grandchild), PATIENCE)


def test_what_a_crashed_process_started_itself_ends_with_it(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.add("it", WITH_A_CHILD, os.environ)
    log = tmp_path / "logs" / "it.log"
    assert wait_until(lambda: log.read_text().endswith("\n"), PATIENCE)
    grandchild = int(log.read_text())
    first = supervisor.pids()["it"]

    os.kill(first, signal.SIGKILL)
    looking(supervisor, first)

    assert wait_until(lambda: not is_running(grandchild), PATIENCE)
    supervisor.stop()


def test_a_killed_supervisor_leaves_no_process_behind(tmp_path: Path) -> None:
    program = (
        "import os, sys, time; from pathlib import Path; from deploy.local.supervisor import Supervisor\n"
        f"s = Supervisor(Path({str(tmp_path)!r}), Path({str(tmp_path)!r}), print)\n"
        f"s.add('it', {SLEEPER!r}, os.environ); print(s.pids()['it'], flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        child = int(owner.stdout.readline())
        assert wait_until(lambda: (tmp_path / "it.log").read_text() == "up\n", PATIENCE)
        owner.kill()
        owner.wait()
        assert wait_until(lambda: not is_running(child), PATIENCE)
