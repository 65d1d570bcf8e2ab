"""``make invariants``: the invariants of the system that runs here."""

import json
import os
import subprocess
import sys

from deploy.local.packages import LOCAL, ROOT


def main() -> None:
    """Runs the check on the databases that ``run.json`` names; its exit code is ours."""
    run_file = LOCAL / "run.json"
    if not run_file.exists():
        raise SystemExit("Seda does not run here; 'make run' starts it.")
    url = json.loads(run_file.read_text())["postgres"]
    environment = {**os.environ, "SEDA_POSTGRES_URL": url}
    done = subprocess.run(
        [sys.executable, "-m", "deploy.invariants", *sys.argv[1:]], cwd=ROOT, env=environment, check=False
    )
    raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
