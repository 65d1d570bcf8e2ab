"""The whole system as processes, on ports and data of its own, for end-to-end and chaos tests."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.client import System, wait_for
from deploy.local.packages import ROOT
from deploy.local.ports import free_port
from deploy.local.postgres import PrivatePostgres
from deploy.local.processes import is_running
from deploy.local.rabbitmq import PrivateRabbitMQ
from deploy.local.system import PORTS
from deploy.local.testservers import TestServers

START_SECONDS = 180


@contextmanager
def running_system(base: Path, servers: TestServers | None = None, **settings: str) -> Iterator[System]:
    """Starts everything with its data under ``base`` and stops it afterwards.

    Its PostgreSQL is its own; its RabbitMQ, too, unless ``servers`` lends a virtual host. ``settings`` are environment
    variables for all processes.
    """
    base.mkdir(parents=True, exist_ok=True)
    ports = {name: free_port() for name in PORTS}
    environment = {**os.environ, **{f"{name.upper()}_PORT": str(port) for name, port in ports.items()}, **settings}
    vhost = None
    if servers is not None:
        vhost = servers.create_vhost()
        environment["SEDA_RABBITMQ_URL"] = vhost
        environment["SEDA_RABBITMQ_MANAGEMENT_URL"] = servers.rabbitmq.management_url
    log = base / "run.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local.run", "--base", str(base)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )

    def ready() -> bool | None:
        if process.poll() is not None:
            raise RuntimeError(f"the system did not start:\n{log.read_text()}")
        return True if "is ready" in log.read_text() else None

    try:
        wait_for(ready, "the system", START_SECONDS)
        (base / "ports.json").write_text(json.dumps(ports))
        with System(base) as system:
            yield system
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        if servers is not None and vhost is not None:
            servers.delete_vhost(vhost)
        PrivatePostgres(base / "postgres", ports["postgres"]).clear()
        left = processes_under(base)
        assert not left, f"still running after SIGTERM: {left}"


def processes_under(base: Path) -> list[str]:
    """The command lines of all processes that have ``base`` in their command line or environment."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or folder.name == str(os.getpid()):
            continue
        try:
            command = (folder / "cmdline").read_bytes()
            words = command + (folder / "environ").read_bytes()
        except OSError:
            continue
        if str(base).encode() in words and is_running(int(folder.name)):
            found.append(command.replace(b"\0", b" ").decode())
    return found


def process_of(base: Path, name: str) -> int:
    """The process of a service (``services.sms``) of the system that runs under ``base``."""
    supervisor = int((base / "run.lock").read_text())

    def running() -> int | None:
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                words = (status.parent / "cmdline").read_bytes().split(b"\0")
                parent = next(line for line in status.read_text().splitlines() if line.startswith("PPid:"))
            except (OSError, StopIteration):
                continue
            if int(parent.split()[1]) == supervisor and name.encode() in words:
                return int(status.parent.name)
        return None

    return wait_for(running, f"a process of {name}")


def broker_of(base: Path) -> PrivateRabbitMQ:
    """The RabbitMQ of the system that runs under ``base``."""
    ports = json.loads((base / "ports.json").read_text())
    return PrivateRabbitMQ(
        base / "rabbitmq",
        port=ports["rabbitmq"],
        management_port=ports["management"],
        dist_port=ports["rabbitmq_dist"],
        epmd_port=ports["epmd"],
    )
