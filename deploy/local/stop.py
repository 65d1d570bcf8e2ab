"""``make stop``: ends the system that ``make run`` started here, and waits until it is down.

``python -m deploy.local.stop [--base DIR]``. Where ``make run`` itself was killed, its servers are stopped here.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from deploy.local.packages import LOCAL, postgres_bin, rabbitmq_sbin
from deploy.local.processes import is_running, running_pid, wait_until
from deploy.local.system import ports, private_postgres, private_rabbitmq

SECONDS = 90


def main() -> None:
    """Ends the process that the lock file names, if it is the one that we mean, and what a killed one left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, default=LOCAL)
    base = parser.parse_args().base.absolute()
    pid = running_pid(base / "run.lock", "deploy.local.run")
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        if not wait_until(lambda: not is_running(pid), SECONDS):
            sys.exit(f"Seda (process {pid}) did not stop within {SECONDS} s.")
    left = _stop_servers(base)
    print("stopped" if pid is not None or left else "Seda does not run here.")


def _stop_servers(base: Path) -> bool:
    """Stops the private servers; whether one ran."""
    if postgres_bin() is None or rabbitmq_sbin() is None:
        return False
    chosen = ports()
    servers = (private_rabbitmq(base, chosen), private_postgres(base, chosen))
    running = any(server.pid() is not None for server in servers)
    for server in servers:
        server.stop()
    return running


if __name__ == "__main__":
    main()
