"""The servers that tests run on: one private PostgreSQL and one RabbitMQ, on free ports.

Shared by all test processes of a checkout, the parallel workers of a session as well as a second session; started by
the first that needs them, stopped by the last. Databases and virtual hosts are made fresh for whoever asks.
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

from deploy.local.files import write_private
from deploy.local.packages import LOCAL, ensure
from deploy.local.ports import free_port
from deploy.local.postgres import PrivatePostgres
from deploy.local.rabbitmq import PrivateRabbitMQ
from deploy.rabbitmq.policies import apply

BASE = LOCAL / "test-servers"


class TestServers:
    """Both servers, running, from ``TestServers()`` to ``stop``; a test may ``kill`` and ``start`` either.

    A test that does so takes servers of its own (another ``base``), for others work on the shared ones.
    """

    __test__ = False  # pytest: this is no test class

    def __init__(self, base: Path = BASE) -> None:
        base.mkdir(parents=True, exist_ok=True)
        self._base = base
        self._users = (base / "users").open("w")
        with self._alone():
            # held as long as this process lives, so that one that is killed does not count
            fcntl.flock(self._users, fcntl.LOCK_SH)
            ensure()
            self.postgres, self.rabbitmq = self._at(self._ports())
            if self.postgres.pid() is None and self.rabbitmq.pid() is None:
                self._begin_afresh()
            self.postgres.start()
            self.rabbitmq.start()

    def stop(self) -> None:
        """Stops both, unless other test processes still use them. Nothing else may be called afterwards."""
        with self._alone(), self._users:
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            for server in (self.postgres, self.rabbitmq):
                server.kill()  # quicker than an orderly end, and nobody reads these data again
            self.rabbitmq.stop()
            self.postgres.clear()

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
            client.delete(f"/api/vhosts/{url.rpartition('/')[2]}").raise_for_status()

    def _management(self) -> httpx.Client:
        return httpx.Client(base_url=self.rabbitmq.management_url, timeout=20, trust_env=False)

    async def _sql(self, statement: str) -> None:
        connection = await asyncpg.connect(f"{self.postgres.url}/postgres")
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _begin_afresh(self) -> None:
        """No data of an earlier session, and ports that are free today."""
        self.rabbitmq.stop()  # what a killed one left
        self.postgres.clear()
        self.rabbitmq.clear()
        (self._base / "ports.json").unlink(missing_ok=True)
        self.postgres, self.rabbitmq = self._at(self._ports())

    def _at(self, ports: dict[str, int]) -> tuple[PrivatePostgres, PrivateRabbitMQ]:
        return PrivatePostgres(self._base / "postgres", ports["postgres"]), PrivateRabbitMQ(
            self._base / "rabbitmq",
            port=ports["rabbitmq"],
            management_port=ports["management"],
            dist_port=ports["dist"],
            epmd_port=ports["epmd"],
        )

    def _ports(self) -> dict[str, int]:
        """Kept while the servers run, so that all test processes find the same ones."""
        file = self._base / "ports.json"
        if not file.exists():
            names = ("postgres", "rabbitmq", "management", "dist", "epmd")
            write_private(file, json.dumps({name: free_port() for name in names}).encode())
        ports: dict[str, int] = json.loads(file.read_text())
        return ports

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._base / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
