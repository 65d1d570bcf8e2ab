"""The whole system as processes: what runs, with which environment, on which ports."""

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.keys import WITNESSES
from deploy.local.packages import LOCAL, ROOT
from deploy.local.postgres import PrivatePostgres
from deploy.local.rabbitmq import PrivateRabbitMQ
from shared.kit.tlog.endpoint import PATH as WITNESS_PATH

SERVICES = ("intake", "routing", "sms", "integrity", "letters", "gateway")
"""In the order they are started; each has a database and a role of its own."""

INSPECTORS = "seed-inspectors.json"
"""The demo holders' public keys, for integrity's seed."""

PORTS = {
    "gateway": 8080,
    "intake": 8101,
    "routing": 8102,
    "sms": 8103,
    "integrity": 8104,
    "letters": 8105,
    "witness": 8107,
    "phones": 8090,
    "smsc": 2775,
    "postgres": 5440,
    "rabbitmq": 5680,
    "management": 15680,
    "rabbitmq_dist": 25680,
    "epmd": 4370,
}


def ports() -> dict[str, int]:
    """The ports, each moved by an environment variable such as ``GATEWAY_PORT``. SystemExit for one that is none."""
    chosen = {}
    for name, default in PORTS.items():
        value = os.environ.get(f"{name.upper()}_PORT", str(default))
        if not value.isdigit() or not 0 < int(value) < 65536:
            raise SystemExit(f"{name.upper()}_PORT is not a port number.")
        chosen[name] = int(value)
    return chosen


def private_postgres(base: Path, chosen: dict[str, int]) -> PrivatePostgres:
    """The PostgreSQL whose data lie under ``base``."""
    return PrivatePostgres(base / "postgres", chosen["postgres"])


def private_rabbitmq(base: Path, chosen: dict[str, int]) -> PrivateRabbitMQ:
    """The RabbitMQ whose data lie under ``base``."""
    return PrivateRabbitMQ(
        base / "rabbitmq",
        port=chosen["rabbitmq"],
        management_port=chosen["management"],
        dist_port=chosen["rabbitmq_dist"],
        epmd_port=chosen["epmd"],
    )


@dataclass
class Layout:
    """Where everything of one running system lies, and how its parts are reached."""

    ports: dict[str, int]
    postgres_url: str
    rabbitmq_url: str
    management_url: str | None
    base: Path = LOCAL
    passwords: dict[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> Path:
        """The folder of keys."""
        return self.base / "keys"

    @property
    def logs(self) -> Path:
        """The folder of logs, a file per process."""
        return self.base / "logs"

    @property
    def run_file(self) -> Path:
        """What runs, for clients and scripts."""
        return self.base / "run.json"

    @property
    def logins_file(self) -> Path:
        """The demo people."""
        return self.base / "demo-logins.json"

    def url(self, name: str) -> str:
        """The HTTP URL of a process."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def module(self, service: str) -> str:
        """The Python package of a service."""
        return "gateway" if service == "gateway" else f"services.{service}"

    def environment(self, service: str) -> dict[str, str]:
        """The environment of a service: of ours only what it needs, of the caller's only what programs need."""
        passed = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG", "TMPDIR", "TZ")}
        tuned = {key: value for key, value in os.environ.items() if key.startswith("SEDA_")}
        own = {
            "SEDA_ENVIRONMENT": "development",
            "SEDA_POSTGRES_URL": self.postgres_url,
            "SEDA_POSTGRES_PASSWORD": self.passwords.get(service, ""),
            "SEDA_RABBITMQ_URL": self.rabbitmq_url,
            "SEDA_KEYS_DIR": str(self.keys),
            "SEDA_PORT": str(self.ports.get(service, 0)),
            "SEDA_DEMO_LOGINS": str(self.base / "seed-people.json"),
            "SEDA_RUN_FILE": str(self.run_file),
            "SEDA_FONTS_DIR": str(LOCAL / "fonts"),
            "SEDA_LETTERS_DIR": str(self.base / "letters"),
            "SEDA_ROUTING_DIR": str(LOCAL / "routing"),  # named by content, so all systems of this machine share it
            "SEDA_UPLOADS_DIR": str(self.base / "uploads" / service),
            "SEDA_EVIDENCE_DIR": str(self.base / "evidence"),
            "SEDA_ATTACHMENTS_DIR": str(self.base / "attachments"),
            "SEDA_HANDOVER_DIR": str(self.base / "handover"),
            "SEDA_PUBLIC_URL": self.url("gateway"),
            "SEDA_SMSC_PORT": str(self.ports["smsc"]),
            "SEDA_SMSC_PASSWORD": self.passwords.get("smsc", ""),
            "SEDA_PHONES_PORT": str(self.ports["phones"]),
            "SEDA_SMSC_JOURNAL": str(self.base / "phones.jsonl"),
            "SEDA_WITNESS_PORT": str(self.ports["witness"]),
            **({} if service != "integrity" else {**self._log(), "SEDA_DEMO_INSPECTORS": str(self.base / INSPECTORS)}),
            **{f"SEDA_{name.upper()}_URL": self.url(name) for name in SERVICES if name != "gateway"},
        }
        return {**passed, **tuned, **own, "PYTHONUNBUFFERED": "1"}

    def _log(self) -> dict[str, str]:
        """The password of the log's sequencer and where the witnesses are: integrity's alone."""
        urls = {"gateway": self.url("witness"), "letters": self.url("letters")}
        witnesses = {name: f"{urls[service]}{WITNESS_PATH}" for service, name in WITNESSES.items()}
        return {
            "SEDA_LOG_POSTGRES_PASSWORD": self.passwords.get("log", ""),
            "SEDA_LOG_WITNESSES": json.dumps({**json.loads(os.environ.get("SEDA_LOG_WITNESSES", "{}")), **witnesses}),
        }

    def command(self, process: str) -> list[str]:
        """The command line of a process."""
        if process == "smsc":
            return [sys.executable, "-m", "deploy.smsc"]
        return [sys.executable, "-m", self.module(process), "--role", "all"]

    @property
    def root(self) -> Path:
        """The repository."""
        return ROOT
