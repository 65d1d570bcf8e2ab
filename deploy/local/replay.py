"""``make replay``: shows and replays the parked events of the system that runs here, service by service."""

import argparse
import json
import os
import subprocess
import sys

from deploy.local.packages import LOCAL, ROOT
from deploy.local.run import read_layout

SERVICES = ("intake", "routing", "sms", "letters")


def main() -> None:
    """Runs the kit's replay with each service's own environment; without conditions it only lists."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", choices=SERVICES)
    parser.add_argument("--id")
    parser.add_argument("--type")
    parser.add_argument("--since")
    arguments = parser.parse_args()
    if not (LOCAL / "run.json").exists():
        raise SystemExit("Seda does not run here; 'make run' starts it.")
    layout = read_layout(json.loads((LOCAL / "run.json").read_text()))
    words = [
        word
        for name in ("id", "type", "since")
        if (value := getattr(arguments, name)) is not None
        for word in (f"--{name}", value)
    ]
    for service in [arguments.service] if arguments.service else SERVICES:
        environment = {**os.environ, **layout.environment(service)}
        command = [sys.executable, "-m", "shared.kit.bus.replay", service, *(words or ["--list"])]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)


if __name__ == "__main__":
    main()
