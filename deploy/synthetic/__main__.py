"""``make seed-year``: files a synthetic country's two years into the system that runs here."""

import argparse
import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from deploy.local.packages import LOCAL
from deploy.synthetic.load import Country, load, planted_lines

_SERVICES = ("intake", "routing", "sms", "letters")


async def _run(base: Path, count: int, seed: int) -> None:
    run_file = base / "run.json"
    if not run_file.exists():
        raise SystemExit("Seda does not run here; 'make run' starts it.")
    url = json.loads(run_file.read_text())["postgres"]
    now = datetime.now(UTC)

    def tell(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    dsns = {service: f"{url}/seda_{service}" for service in _SERVICES}
    await load(dsns, base / "keys", Country(count, seed, now), tell=tell)
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
