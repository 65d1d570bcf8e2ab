"""``python -m deploy.invariants``: checks once, says what is broken, and exits with 1 if anything is.

``--every 120 --port 8106`` checks again and again and serves the counts at ``/metrics`` for Prometheus. The databases
come from ``SEDA_POSTGRES_URL`` with a role that may read them all; ``--hours`` says how far back cases are looked at.
"""

import argparse
import asyncio
import os
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import asyncpg
from prometheus_client import Gauge, start_http_server

from deploy.invariants.checks import CHECKS, Broken, Window

SERVICES = ("intake", "routing", "sms", "integrity", "letters", "gateway")

broken_gauge = Gauge("seda_invariant_broken", "How often an invariant is broken just now", ["invariant"])


async def check_all(url: str, hours: int) -> dict[str, Broken]:
    """What each invariant found, on the databases of the server at ``url``."""
    async with AsyncExitStack() as stack:
        databases = {}
        for service in SERVICES:
            connection = await asyncpg.connect(f"{url}/seda_{service}", timeout=10)
            stack.push_async_callback(connection.close)
            await connection.execute("SET default_transaction_read_only = on")
            databases[service] = connection
        window = Window(datetime.now(UTC) - timedelta(hours=hours))
        return {name: await check(databases, window) for name, check in CHECKS.items()}


def _tell(results: dict[str, Broken]) -> bool:
    for name, broken in results.items():
        broken_gauge.labels(name).set(broken.count)
        state = "holds" if not broken.count else f"BROKEN {broken.count}×  {' '.join(broken.examples)}"
        sys.stdout.write(f"{name:<26} {state}\n")
    sys.stdout.flush()
    return not any(broken.count for broken in results.values())


async def _run(arguments: argparse.Namespace) -> int:
    url = os.environ["SEDA_POSTGRES_URL"].rstrip("/")
    if not arguments.every:
        return 0 if _tell(await check_all(url, arguments.hours)) else 1
    start_http_server(arguments.port, addr="127.0.0.1")
    while True:
        try:
            _tell(await check_all(url, arguments.hours))
        except (OSError, asyncpg.PostgresError) as error:
            sys.stdout.write(f"not checked: {type(error).__name__}\n")
        await asyncio.sleep(arguments.every)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--every", type=float, default=0, metavar="SECONDS")
    parser.add_argument("--port", type=int, default=8106)
    raise SystemExit(asyncio.run(_run(parser.parse_args())))


if __name__ == "__main__":
    main()
