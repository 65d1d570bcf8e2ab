"""Finding Debian's PostgreSQL and RabbitMQ, and bringing them where they are missing.

As root by ``apt-get install``, with no service started; as an ordinary user the same packages are downloaded and
unpacked under ``.local/debian``, where they run as they are. Standard library only: this runs before anything else.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
UNPACKED = LOCAL / "debian"

NEEDED = {
    "postgresql": ["postgresql"],
    "rabbitmq": ["rabbitmq-server"],
    "letters' checks": ["poppler-utils"],
    "reports' checks": ["age"],
}


class CannotInstall(SystemExit):
    """One sentence that says what is missing and what to do."""


def roots() -> list[Path]:
    """Where Debian's files may lie: the system, and what was unpacked here."""
    return [Path("/"), UNPACKED]


def libraries() -> dict[str, str]:
    """The environment by which unpacked programs find the libraries that were unpacked with them."""
    folders = [str(path) for path in UNPACKED.glob("usr/lib/*-linux-gnu")]
    return {"LD_LIBRARY_PATH": ":".join(folders)} if folders else {}


def postgres_bin(version: int | None = None) -> Path | None:
    """The folder of PostgreSQL's server programs, of that version or of the newest (15 at least)."""
    found = [
        (int(path.parent.parent.name), path.parent)
        for root in roots()
        for path in root.glob("usr/lib/postgresql/*/bin/initdb")
        if path.parent.parent.name.isdigit() and version in (None, int(path.parent.parent.name))
    ]
    return max((entry for entry in found if entry[0] >= 15), default=(0, None))[1]


def rabbitmq_sbin() -> Path | None:
    """The folder of RabbitMQ's own scripts (Debian's wrappers in /usr/sbin change the user)."""
    return next((path for root in roots() for path in root.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin")), None)


def pdfsig() -> Path | None:
    """Poppler's checker of PDF signatures."""
    return next((path for root in roots() if (path := root / "usr/bin/pdfsig").exists()), None)


def age_tool() -> Path | None:
    """The stock ``age`` tool, with which whoever has the key opens sealed files offline."""
    return next((path for root in roots() if (path := root / "usr/bin/age").exists()), None)


def checked_signatures(pdf: Path) -> str:
    """What ``pdfsig`` says about a PDF's signatures. Raises ``CannotInstall`` where it is missing."""
    program = pdfsig()
    if program is None:
        raise CannotInstall("pdfsig (poppler-utils) is missing: run 'make setup'.")
    # its exit code says too little: 0 for a bad signature as well
    environment = {**os.environ, **libraries()}
    return subprocess.run([program, pdf], env=environment, capture_output=True, text=True, check=False).stdout


def ensure() -> None:
    """Installs what is missing. Raises ``CannotInstall`` with one clear sentence if it cannot."""
    missing = [
        name
        for what, found in (
            ("postgresql", postgres_bin()),
            ("rabbitmq", rabbitmq_sbin()),
            ("letters' checks", pdfsig()),
            ("reports' checks", age_tool()),
        )
        if found is None
        for name in NEEDED[what]
    ]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise CannotInstall(
            f"Missing: {', '.join(missing)}. This machine has no apt-get; install them yourself, or use deploy/compose."
        )
    print(f"installing {', '.join(missing)} …", flush=True)
    if os.geteuid() == 0:
        install(missing)
    else:
        _unpack(missing)
    if postgres_bin() is None or rabbitmq_sbin() is None:
        raise CannotInstall("PostgreSQL 15 or RabbitMQ is still missing; see the messages of apt-get above.")


def install(names: list[str]) -> None:
    """Installs Debian packages as root, starting none of their services."""
    with _no_services_started():
        _apt("update")
        _apt("install", "--yes", "--no-install-recommends", *names)


@contextmanager
def _no_services_started() -> Iterator[None]:
    """Debian's packages start their services when installed, unless this file says no (invoke-rc.d(8)). One that
    was there before is left alone and put back."""
    policy = Path("/usr/sbin/policy-rc.d")
    before = (policy.read_bytes(), policy.stat().st_mode) if policy.exists() else None
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        if before is None:
            policy.unlink()
        else:
            policy.write_bytes(before[0])
            policy.chmod(before[1])


def _apt(*words: str) -> None:
    done = subprocess.run(
        ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *words],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotInstall(f"apt-get {words[0]} failed: {done.stderr.strip()[-1000:]}")


def _unpack(names: list[str]) -> None:
    """The packages and what they depend on, as apt would install them, unpacked under ``.local/debian``."""
    plan = subprocess.run(
        ["apt-get", "install", "--simulate", "--no-install-recommends", *names],
        capture_output=True,
        text=True,
        check=False,
    )
    if plan.returncode:
        raise CannotInstall(
            f"apt-get cannot bring {', '.join(names)}; ask an administrator for 'apt-get update', or to install them."
        )
    chosen = sorted(set(re.findall(r"^Inst (\S+)", plan.stdout, re.MULTILINE)))
    downloads = LOCAL / "debian-packages"
    downloads.mkdir(parents=True, exist_ok=True)
    for package in downloads.glob("*.deb"):
        package.unlink()
    if subprocess.run(["apt-get", "-qq", "download", *chosen], cwd=downloads, check=False).returncode:
        raise CannotInstall("apt-get could not download the packages; see its message above.")
    for package in downloads.glob("*.deb"):
        if subprocess.run(["dpkg", "-x", package, UNPACKED], check=False).returncode:
            raise CannotInstall(f"{package.name} could not be unpacked; see the message above.")
        package.unlink()
    _repair_erlang()


def _repair_erlang() -> None:
    """Debian hard-codes Erlang's place in its start scripts; every call of dpkg brings them as they were."""
    home = UNPACKED / "usr/lib/erlang"
    for script in [home / "bin/erl", *home.glob("erts-*/bin/erl")]:
        text = script.read_text()
        if str(home) not in text:
            script.write_text(text.replace("/usr/lib/erlang", str(home)))


if __name__ == "__main__":
    try:
        ensure()
    except CannotInstall as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None
