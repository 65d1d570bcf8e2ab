"""A service as a process, told to end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from deploy.local.keys import make_keys
from deploy.local.packages import ROOT
from deploy.local.ports import free_port

PROGRAM = """
import asyncio
from contextlib import asynccontextmanager
from shared.kit.runtime import Service, run
from shared.kit.settings import ServiceSettings


@asynccontextmanager
async def resources(settings, database):
    yield None
    print("resources put away", flush=True)


class Job:
    name = "job"

    async def run(self):
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.1)
            print("job ended", flush=True)


run(Service(name="nobody", settings=ServiceSettings, resources=resources, routers=lambda _: [], jobs=lambda _: [Job()]))
"""
PATIENCE = 30.0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_after_the_signal_the_jobs_end_and_the_resources_are_put_away(tmp_path: Path, number: signal.Signals) -> None:
    make_keys(tmp_path)
    port = free_port()
    nowhere = free_port()  # no server is needed for this: the relay tries again until it is cancelled
    environment = {
        **os.environ,
        "SEDA_PORT": str(port),
        "SEDA_KEYS_DIR": str(tmp_path),
        "SEDA_POSTGRES_URL": f"postgresql://127.0.0.1:{nowhere}",
        "SEDA_RABBITMQ_URL": f"amqp://127.0.0.1:{nowhere}/",
    }
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + PATIENCE
        while not answers(port):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(number)
        said, _ = process.communicate(timeout=PATIENCE)

    assert process.returncode == 0
    told = [line for line in said.splitlines() if not line.startswith("{")]
    assert told == ["job ended", "resources put away"]


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
