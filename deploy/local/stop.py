"""``make stop``: ends the system that ``make run`` started here, and waits until it is down."""

import os
import signal
import sys
import time

from deploy.local.packages import LOCAL
from deploy.local.postgres import running_pid
from deploy.local.supervisor import is_running

SECONDS = 60


def main() -> None:
    """Ends the process that the lock file names, if it is the one that we mean."""
    pid = running_pid(LOCAL / "run.lock", "deploy.local.run")
    if pid is None:
        print("Seda does not run here.")
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + SECONDS
    while is_running(pid):
        if time.monotonic() > deadline:
            sys.exit(f"Seda (process {pid}) did not stop within {SECONDS} s.")
        time.sleep(0.1)
    print("stopped")


if __name__ == "__main__":
    main()
