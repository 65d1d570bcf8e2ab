"""``make bench``: all measurements in one run, as ratios against a baseline on the same machine at the same time.

Bounded (about five minutes); every aim is printed as met or missed. ``docs/performance.md`` has its figures.
"""

import os
import platform
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from deploy.local.packages import install
from tests.load import excess, gateway, intake, letters, reports, way_to_the_phone
from tests.systems import running_system


def main() -> None:
    """Measures and prints."""
    _ensure_tools()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine()}\n")
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        base.chmod(0o755)  # PostgreSQL's user goes through it
        filing = intake.run(base / "intake")
        print(f"PostgreSQL: {filing.settings}\n")
        _row("pgbench, two inserts in a transaction, 64 clients", f"{filing.transactions:,.0f}/s", "")
        share = f"{filing.ratio:.0%} of pgbench"
        told = f"{filing.submissions:,.0f}/s, p50 {filing.p50_ms:.0f} ms, p99 {filing.p99_ms:.0f} ms"
        _row("intake, one API process, 64 clients", told, f"{share}; {_aim(filing.ratio >= 0.40, '≥ 40 %')}")
        with running_system(base / "system", SEDA_REQUESTS_PER_MINUTE="10000000") as system:
            way = way_to_the_phone.run(system, base / "system")
            filed = reports.run(system, base / "system")
            doors = gateway.run(base / "gateway", system, base / "system")
        for name, speed in (("the service itself", doors.direct), ("through nginx", doors.nginx)):
            _row(name, f"{speed.per_second:,.0f}/s, p99 {speed.p99_ms:.1f} ms", "")
        speed = doors.gateway
        share = f"{speed.per_second / doors.nginx.per_second:.0%} of nginx"
        _row(
            "through the gateway, with auth, one process",
            f"{speed.per_second:,.0f}/s, p99 {speed.p99_ms:.1f} ms",
            f"{share}; {_aim(speed.per_second >= 6000, '≥ 6,000/s')}",
        )
        half = doors.half_gateway
        _row(
            "… at half of that",
            f"{half.per_second:,.0f}/s, p50 {half.p50_ms:.1f} ms, p99 {half.p99_ms:.1f} ms",
            f"adds {doors.added_p99_ms:.1f} ms to p99; {_aim(doors.added_p99_ms <= 10, '≤ 10 ms')}",
        )
        _row("the whole system, cases with all that follows", f"{way.highest:,.0f}/s", "")
        _row(
            "… at half of that, from POST to SMS",
            f"{way.half:,.0f}/s, p50 {way.p50:.2f} s, p99 {way.p99:.2f} s",
            _aim(way.p99 <= 1.0, "p99 ≤ 1 s"),
        )
        for figures in filed:
            _row(*reports.row(figures))
        _row("letters on two processes", f"{letters.run(base / 'letters'):,.0f}/s", "")
        years = excess.planted_years(units=2000, seed=1405)
        _row(
            "excess: 4σ planted in 2,000 × 24 months, found", f"{years.found:.1%}", _aim(years.found >= 0.88, "≥ 88 %")
        )
        aim = _aim(years.false_alarms <= 0.025, "≤ 2.5 %")
        _row("… false alarms a month", f"{years.false_alarms:.2%}", aim)


def _row(what: str, figure: str, verdict: str) -> None:
    print(f"{what:<52} {figure:<42} {verdict}", flush=True)


def _aim(met: bool, aim: str) -> str:
    return f"aim {aim} {'met' if met else 'MISSED'}"


def machine() -> str:
    """Cores, processor and Python, as measurements name them."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return f"{os.cpu_count()} cores ({model}), Python {platform.python_version()}"


def _ensure_tools() -> None:
    """wrk and nginx are needed for measuring only, so they are not part of the set-up."""
    missing = [name for name in ("wrk", "nginx") if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if not missing:
        return
    if os.geteuid() != 0:
        raise SystemExit(f"Missing for measuring: {', '.join(missing)}; ask an administrator to install them.")
    install(["wrk", "nginx-light"])


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{error.cmd[0]} failed") from None
