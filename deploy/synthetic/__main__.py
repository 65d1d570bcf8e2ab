"""``make seed-year``: files a synthetic country's two years into the system that runs here."""

import argparse
import asyncio
import json
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from deploy.local.packages import LOCAL
from deploy.synthetic.load import Databases, Keys, load, planted_lines
from shared.kit.sealing import KeyRing

_SERVICES = ("intake", "routing", "sms", "letters")


async def _run(base: Path, count: int, seed: int) -> None:
    run_file = base / "run.json"
    if not run_file.exists():
        raise SystemExit("Seda does not run here; 'make run' starts it.")
    url = json.loads(run_file.read_text())["postgres"]
    keys = Keys(*(KeyRing.load(base / "keys" / f"{name}.json") for name in ("contact", "text", "step")))
    now = datetime.now(UTC)

    def tell(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    async with AsyncExitStack() as stack:
        connections = {}
        for service in _SERVICES:
            connection = await asyncpg.connect(f"{url}/seda_{service}", timeout=10)
            stack.push_async_callback(connection.close)
            connections[service] = connection
        await load(Databases(**connections), keys, count=count, seed=seed, now=now, tell=tell)
    tell("\nPlanted, for the reviews to find:")
    for line in planted_lines(now):
        tell(f"  {line}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make seed-year", description=__doc__)
    parser.add_argument("--count", type=int, default=200_000, help="how many cases, about")
    parser.add_argument("--seed", type=int, default=1405, help="another number makes another country")
    parser.add_argument("--base", type=Path, default=LOCAL)
    arguments = parser.parse_args()
    asyncio.run(_run(arguments.base, arguments.count, arguments.seed))


if __name__ == "__main__":
    main()
