"""``make audit``: the transparency log of the system that runs here, recomputed row by row."""

import json
import subprocess
import sys

from deploy.local.packages import LOCAL, ROOT
from deploy.local.run import read_layout


def main() -> None:
    """Audits as the service ``integrity``; the audit's exit code is ours."""
    run_file = LOCAL / "run.json"
    if not run_file.exists():
        raise SystemExit("Seda does not run here; 'make run' starts it.")
    layout = read_layout(json.loads(run_file.read_text()))
    done = subprocess.run(
        [sys.executable, "-m", "services.integrity.audit", *sys.argv[1:]],
        cwd=ROOT,
        env=layout.environment("integrity"),
        check=False,
    )
    raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
