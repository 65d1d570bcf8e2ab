"""``make replay``: sends parked events back to their consumers.

``python -m shared.kit.bus.replay SERVICE [--id 7] [--type case.decided.v1] [--since 2026-11-24T00:00:00Z]``;
with ``--list`` it only shows what is parked.
"""

import argparse
import asyncio
import sys
from datetime import datetime

from sqlalchemy import text

from shared.contracts.registry import QUEUES
from shared.kit.bus.broker import Broker
from shared.kit.bus.parking import replay
from shared.kit.db import Database
from shared.kit.settings import ServiceSettings

SERVICES = sorted({queue.service for queue in QUEUES})


async def _show(database: Database, service: str) -> None:
    async with database.reading() as connection:
        rows = await connection.execute(
            text("SELECT id, consumer, type, error, attempts, parked_at FROM parked WHERE replayed_at IS NULL")
        )
        for row in rows:
            sys.stdout.write(
                f"{service} id={row.id} {row.consumer} {row.type} error={row.error!r} attempts={row.attempts}"
                f" parked={row.parked_at:%Y-%m-%dT%H:%M:%SZ}\n"
            )


async def _run(arguments: argparse.Namespace) -> None:
    settings = ServiceSettings()
    database = Database.connect(settings.postgres_dsn(arguments.service), pool_size=2)
    broker = Broker(settings.rabbitmq_url.get_secret_value(), name=f"seda.replay.{arguments.service}")
    try:
        if arguments.list:
            await _show(database, arguments.service)
            return
        count = await replay(database, broker, id=arguments.id, type=arguments.type, since=arguments.since)
        sys.stdout.write(f"{arguments.service}: {count} replayed\n")
    finally:
        await broker.close()
        await database.close()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("--id", type=int)
    parser.add_argument("--type")
    parser.add_argument("--since", type=datetime.fromisoformat)
    parser.add_argument("--list", action="store_true")
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
