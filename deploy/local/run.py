"""``make run``: everything on this machine, from nothing to a ready gateway; ``make stop`` ends it.

``python -m deploy.local.run [--base DIR]``; ``--base`` holds data, logs, keys and ``run.json`` (default ``.local``).
"""

import argparse
import fcntl
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import httpx

from deploy.local.databases import prepare
from deploy.local.demo_keys import write_demo_keys
from deploy.local.files import write_private
from deploy.local.fonts import ensure_fonts
from deploy.local.keys import make_keys
from deploy.local.packages import LOCAL, ensure
from deploy.local.people import staff, write_logins
from deploy.local.ports import is_free
from deploy.local.supervisor import Supervisor
from deploy.local.system import SERVICES, Layout, ports, private_postgres, private_rabbitmq
from deploy.rabbitmq.policies import apply
from services.letters.office_keys import make_office_keys

READY_SECONDS = 120


class Stopped(Exception):
    """Ctrl-C, or SIGTERM from ``make stop``."""


def say(text: str) -> None:
    """One line for whoever watches."""
    print(text, flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, default=LOCAL)
    base = parser.parse_args().base.absolute()
    base.mkdir(parents=True, exist_ok=True)
    if not os.access(base, os.W_OK | os.X_OK):
        raise SystemExit(f"{base} may not be written by this user; run as its owner, or give that user the right.")

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise Stopped

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with (base / "run.lock").open("a+") as lock, ExitStack() as stack:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SystemExit("Seda runs here already; 'make stop' ends it.") from None
        lock.truncate(0)  # only now: until here it may hold the number of the one that runs
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            _run(base, stack)
        except Stopped:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            say("stopping …")


def _run(base: Path, stack: ExitStack) -> None:
    began = time.monotonic()
    chosen = ports()
    ensure()
    ensure_fonts()
    _check_ports(chosen, [*SERVICES, "witness", "phones", "smsc"])
    layout = _servers(base, chosen, stack)
    make_keys(layout.keys)
    make_office_keys(layout.keys)
    layout.passwords = _passwords(base)
    logins = write_logins(layout.logins_file)
    write_demo_keys(base, staff())
    say("databases …")
    prepare(layout)
    layout.run_file.unlink(missing_ok=True)
    stack.callback(layout.run_file.unlink, missing_ok=True)
    supervisor = Supervisor(layout.root, layout.logs, say)
    stack.callback(supervisor.stop)
    for process in ("smsc", *SERVICES):
        supervisor.add(process, layout.command(process), layout.environment(process))
    _wait_for_services(layout, supervisor)
    # with the servers' passwords in their URLs
    write_private(layout.run_file, json.dumps(_run_document(layout), indent=2).encode() + b"\n")
    _wait(supervisor, lambda: _is_ready(layout.url("gateway")), "gateway")
    _tell(layout, logins, time.monotonic() - began)
    while True:
        supervisor.look()
        time.sleep(0.5)


def _servers(base: Path, chosen: dict[str, int], stack: ExitStack) -> Layout:
    """Starts the private servers, unless others are named in the environment."""
    postgres_url, rabbitmq_url = os.environ.get("SEDA_POSTGRES_URL"), os.environ.get("SEDA_RABBITMQ_URL")
    management_url = os.environ.get("SEDA_RABBITMQ_MANAGEMENT_URL")
    if postgres_url is None:
        postgres = private_postgres(base, chosen)
        if postgres.pid() is None:
            _check_ports(chosen, ["postgres"])
            say("PostgreSQL …")
        stack.callback(postgres.stop)  # first: a Ctrl-C may come in the middle of the start
        postgres.start()
        postgres_url = postgres.url
    if rabbitmq_url is None:
        rabbitmq = private_rabbitmq(base, chosen)
        if rabbitmq.pid() is None:
            rabbitmq.stop()  # what a crash may have left: an epmd holds its port
            _check_ports(chosen, ["rabbitmq", "management", "rabbitmq_dist", "epmd"])
            say("RabbitMQ …")
        stack.callback(rabbitmq.stop)
        rabbitmq.start()
        rabbitmq_url, management_url = f"{rabbitmq.url}/", rabbitmq.management_url
    if management_url is None:
        say("SEDA_RABBITMQ_MANAGEMENT_URL is not set: deploy/rabbitmq/policies.json must be on that RabbitMQ already.")
    else:
        apply(management_url, urlsplit(rabbitmq_url).path.lstrip("/") or "/")
    return Layout(chosen, postgres_url, rabbitmq_url, management_url, base)


def read_layout(run: dict[str, str], base: Path = LOCAL) -> Layout:
    """The layout of the system that runs, from its ``run.json``."""
    layout = Layout(ports(), run["postgres"], run["rabbitmq"], run["management"], base)
    layout.passwords = _passwords(base)
    return layout


def _check_ports(chosen: dict[str, int], names: list[str]) -> None:
    for name in names:
        if not is_free(chosen[name]):
            raise SystemExit(
                f"Port {chosen[name]} ({name}) is taken by another program; free it or set {name.upper()}_PORT."
            )


def _passwords(base: Path) -> dict[str, str]:
    """The passwords of the database's roles (``log``: the sequencer's) and of the SMSC, random per machine."""
    path = base / "passwords.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    passwords = {service: known.get(service) or secrets.token_urlsafe(24) for service in (*SERVICES, "log")}
    passwords["smsc"] = known.get("smsc") or secrets.token_hex(4)  # SMPP 3.4 takes eight characters at most
    write_private(path, json.dumps(passwords).encode())
    return passwords


def _wait_for_services(layout: Layout, supervisor: Supervisor) -> None:
    waiting = [name for name in SERVICES if name != "gateway"]
    _wait(supervisor, lambda: all(_is_ready(layout.url(name)) for name in waiting), "services")


def _wait(supervisor: Supervisor, ready: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not ready():
        supervisor.look()
        if time.monotonic() > deadline:
            raise SystemExit(f"The {what} did not get ready in {READY_SECONDS} s; see .local/logs.")
        time.sleep(0.2)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=3, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _run_document(layout: Layout) -> dict[str, object]:
    """What ``run.json`` tells: the URLs of everything that runs."""
    return {
        "gateway": layout.url("gateway"),
        "phones": layout.url("phones"),
        "services": {name: layout.url(name) for name in SERVICES if name != "gateway"},
        "postgres": layout.postgres_url,
        "rabbitmq": layout.rabbitmq_url,
        "management": layout.management_url,
    }


def _tell(layout: Layout, logins: list[dict[str, object]], seconds: float) -> None:
    say(f"\nSeda is ready after {seconds:.0f} s.\n")
    say(f"  the door         {layout.url('gateway')}   (to read and try: {layout.url('gateway')}/docs)")
    say(f"  the phones       {layout.url('phones')}/phones/+989121234567/messages   (simulated)")
    if layout.management_url:
        parts = urlsplit(layout.management_url)
        say(f"  RabbitMQ         http://{parts.hostname}:{parts.port}   (its login is in {layout.run_file})")
    say(f"  logs             {layout.logs}\n\n  demo logins (all of them in {layout.logins_file}):")
    for login in logins:
        if login["username"] in ("officer.sso-insurance", "manager.sso-insurance", "centre", "operator"):
            say(f"    {login['username']:<24} {login['password']}")
    say("\n  'make demo' in a second terminal plays a whole case. Ctrl-C stops everything.")


if __name__ == "__main__":
    try:
        main()
    except SystemExit as error:
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
            raise SystemExit(1) from None
        raise
