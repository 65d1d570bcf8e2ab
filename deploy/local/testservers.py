"""The servers that tests run on: one private PostgreSQL and one RabbitMQ per test session, on free ports.

Shared by the parallel workers of a session; databases and virtual hosts are made fresh for whoever asks.
"""

import asyncio
import fcntl
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx

from deploy.local.packages import LOCAL, ensure
from deploy.local.ports import free_port
from deploy.local.postgres import PrivatePostgres
from deploy.local.rabbitmq import PrivateRabbitMQ
from deploy.rabbitmq.policies import apply

BASE = LOCAL / "test-servers"


class TestServers:
    """The session's servers; started by whoever needs them first, stopped when the session ends."""

    __test__ = False  # pytest: this is no test class

    def __init__(self, base: Path = BASE) -> None:
        base.mkdir(parents=True, exist_ok=True)
        self._base = base
        with _lock(base):
            ports = self._ports()
            self.postgres = PrivatePostgres(base / "postgres", ports["postgres"])
            self.rabbitmq = PrivateRabbitMQ(
                base / "rabbitmq",
                port=ports["rabbitmq"],
                management_port=ports["management"],
                dist_port=ports["dist"],
                epmd_port=ports["epmd"],
            )

    def start(self) -> None:
        """Starts what does not run yet."""
        with _lock(self._base):
            ensure()
            if self.postgres.pid() is None:
                self.postgres.start()
            if self.rabbitmq.pid() is None:
                self.rabbitmq.start()

    def stop(self) -> None:
        """Stops what runs."""
        with _lock(self._base):
            self.postgres.stop()
            self.rabbitmq.stop()
            (self._base / "ports.json").unlink(missing_ok=True)

    def create_database(self, owner: str | None = None) -> str:
        """A new, empty database; its DSN."""
        name = owner or f"test_{secrets.token_hex(6)}"
        asyncio.run(self._sql(f'CREATE DATABASE "{name}"'))
        return f"{self.postgres.url}/{name}"

    def drop_database(self, dsn: str) -> None:
        """Removes a database, whoever is still connected."""
        asyncio.run(self._sql(f'DROP DATABASE IF EXISTS "{dsn.rpartition("/")[2]}" WITH (FORCE)'))

    def create_vhost(self) -> str:
        """A new virtual host with our policies; its AMQP URL."""
        name = f"test-{secrets.token_hex(6)}"
        with self._management() as client:
            client.put(f"/api/vhosts/{name}").raise_for_status()
            client.put(
                f"/api/permissions/{name}/seda", json={"configure": ".*", "write": ".*", "read": ".*"}
            ).raise_for_status()
        apply(self.rabbitmq.management_url, name)
        return f"{self.rabbitmq.url}/{name}"

    def delete_vhost(self, url: str) -> None:
        """Removes a virtual host with everything in it."""
        with self._management() as client:
            client.delete(f"/api/vhosts/{url.rpartition('/')[2]}")

    def _management(self) -> httpx.Client:
        return httpx.Client(base_url=self.rabbitmq.management_url, timeout=20, trust_env=False)

    async def _sql(self, statement: str) -> None:
        connection = await asyncpg.connect(f"{self.postgres.url}/postgres")
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _ports(self) -> dict[str, int]:
        """Kept for the session, so that all its workers find the same servers."""
        file = self._base / "ports.json"
        if not file.exists():
            names = ("postgres", "rabbitmq", "management", "dist", "epmd")
            file.write_text(json.dumps({name: free_port() for name in names}))
        ports: dict[str, int] = json.loads(file.read_text())
        return ports


@contextmanager
def _lock(base: Path) -> Iterator[None]:
    with (base / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
