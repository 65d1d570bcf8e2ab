"""``make run`` and ``make stop`` in the moments that are awkward: a taken port, a second start, a Ctrl-C, a kill."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.packages import ROOT
from deploy.local.ports import free_port
from deploy.local.postgres import PrivatePostgres
from deploy.local.processes import wait_until
from deploy.local.system import PORTS
from tests.systems import processes_under

PATIENCE = 120.0


@pytest.fixture
def environment() -> dict[str, str]:
    """Ports of its own."""
    return {**os.environ, **{f"{name.upper()}_PORT": str(free_port()) for name in PORTS}}


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Path]:
    """A folder for a system's data, which are removed afterwards."""
    yield tmp_path / "base"
    PrivatePostgres(tmp_path / "base" / "postgres", 1).clear()


def started(base: Path, environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "deploy.local.run", "--base", str(base)]
    with log.open("w") as out:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out)


def says(log: Path, words: str) -> Callable[[], bool]:
    return lambda: words in log.read_text()


def test_a_taken_port_is_one_sentence_and_nothing_is_started(tmp_path: Path, environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        environment["GATEWAY_PORT"] = str(port)
        run = started(tmp_path / "base", environment, tmp_path / "log")
        assert run.wait(PATIENCE) == 1

    wanted = f"Port {port} (gateway) is taken by another program; free it or set GATEWAY_PORT.\n"
    assert (tmp_path / "log").read_text() == wanted
    assert processes_under(tmp_path / "base") == []


def test_a_port_that_is_none_is_one_sentence(tmp_path: Path, environment: dict[str, str]) -> None:
    run = started(tmp_path / "base", {**environment, "SMS_PORT": "x"}, tmp_path / "log")

    assert run.wait(PATIENCE) == 1
    assert (tmp_path / "log").read_text() == "SMS_PORT is not a port number.\n"


def test_a_second_start_leaves_the_first_as_it_is(tmp_path: Path, environment: dict[str, str]) -> None:
    lock = tmp_path / "run.lock"
    lock.write_text("4711")
    with lock.open() as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        run = started(tmp_path, environment, tmp_path / "log")
        assert run.wait(PATIENCE) == 1

    assert (tmp_path / "log").read_text() == "Seda runs here already; 'make stop' ends it.\n"
    assert lock.read_text() == "4711"  # by which 'make stop' finds the first


def test_ctrl_c_while_rabbitmq_starts_leaves_nothing_behind(
    tmp_path: Path, base: Path, environment: dict[str, str]
) -> None:
    log = tmp_path / "log"
    run = started(base, environment, log)
    assert wait_until(lambda: any("-s rabbit boot" in line for line in processes_under(base)), PATIENCE)
    run.send_signal(signal.SIGINT)

    assert run.wait(PATIENCE) == 0
    assert log.read_text().endswith("stopping …\n")
    assert processes_under(base) == []


def test_stop_ends_what_a_killed_run_left(tmp_path: Path, base: Path, environment: dict[str, str]) -> None:
    log = tmp_path / "log"
    run = started(base, environment, log)
    assert wait_until(lambda: run.poll() is not None or says(log, "is ready")(), PATIENCE)
    assert run.poll() is None, log.read_text()
    run.kill()
    run.wait()
    # the services end by themselves: nobody would start them again; the two servers are kept for the next start
    assert wait_until(lambda: not any("services." in line or "gateway" in line for line in processes_under(base)), 30)
    assert processes_under(base)

    stop = [sys.executable, "-m", "deploy.local.stop", "--base", str(base)]
    told = [
        subprocess.run(stop, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]

    assert told == ["stopped\n", "Seda does not run here.\n"]
    assert processes_under(base) == []
