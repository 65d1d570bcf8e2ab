"""Telling our own processes from others."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.processes import end, is_running, running_pid, wait_until, with_variable

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"


@pytest.fixture
def marked() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A process that ignores SIGTERM, with a variable of its own in its environment."""
    variable = f"SEDA_TEST_MARK={secrets.token_hex(8)}"
    with subprocess.Popen(
        [sys.executable, "-c", STUBBORN],
        env={**os.environ, "SEDA_TEST_MARK": variable.partition("=")[2]},
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process, variable
        process.kill()


def test_a_process_is_found_by_its_environment_and_no_other(marked: tuple[subprocess.Popen[bytes], str]) -> None:
    process, variable = marked

    assert list(with_variable(variable)) == [process.pid]
    assert with_variable(variable[:-1]) == {}


def test_one_that_does_not_end_when_asked_is_ended(marked: tuple[subprocess.Popen[bytes], str]) -> None:
    process, variable = marked

    end([process.pid], seconds=0.3)

    assert not is_running(process.pid)
    assert with_variable(variable) == {}
    assert process.wait() == -9


def test_the_number_of_another_program_is_not_taken_for_ours(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    file.write_text(f"{os.getpid()}\n")

    assert running_pid(file, "python") == os.getpid()
    assert running_pid(file, "deploy.local.run") is None
    file.write_text("")
    assert running_pid(file, "pytest") is None
    assert running_pid(tmp_path / "none", "pytest") is None


def test_waiting_is_bounded() -> None:
    assert wait_until(lambda: True, 0)
    assert not wait_until(lambda: False, 0.05)
