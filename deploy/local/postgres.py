"""A private PostgreSQL: its own data, its own port on 127.0.0.1, its own user where root may not run it."""

import hashlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

from deploy.local.files import write_private
from deploy.local.packages import CannotInstall, libraries, postgres_bin
from deploy.local.processes import is_running, running_pid, wait_until

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "400",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "log_destination": "stderr",
    "logging_collector": "off",
    # nothing of what people write may reach a log file
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}


class PrivatePostgres:
    """Data and log under ``base``. Stops nothing that it did not start."""

    def __init__(self, base: Path, port: int) -> None:
        self.port = port
        self.superuser = "postgres"
        self._as_user = _other_user()
        self._wanted = base.absolute()
        self._base = _reachable(base, self._as_user)
        self._data = self._base / "data"
        self._bin = self._programs()
        self._password_file = self._base / "password"

    @property
    def password(self) -> str:
        """The superuser's password, random per installation."""
        return self._password_file.read_text().strip()

    @property
    def url(self) -> str:
        """The superuser's URL, without a database."""
        return f"postgresql://{self.superuser}:{self.password}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Creates the data where there is none, and starts it if it does not run; returns when it answers."""
        if self.pid() is not None:
            return
        if not (self._data / "PG_VERSION").exists():
            self._create()
        options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
        self._run(
            "pg_ctl",
            "start",
            "--wait",
            f"--pgdata={self._data}",
            f"--log={self._base / 'log'}",
            f"--options=-p {self.port} -c unix_socket_directories='' {options}",
        )

    def stop(self) -> None:
        """Stops it, telling its clients; returns when it is down."""
        if self.pid() is not None:
            self._run("pg_ctl", "stop", "--wait", "--mode=fast", f"--pgdata={self._data}")

    def pid(self) -> int | None:
        """The running server's process, None if it does not run."""
        return running_pid(self._data / "postmaster.pid", f"postgres -D {self._data}")

    def kill(self) -> None:
        """Ends it without a checkpoint, as a power cut would, for tests; returns when it is gone."""
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGQUIT)
        if not wait_until(lambda: not is_running(pid), 30):
            raise TimeoutError(f"PostgreSQL (process {pid}) does not end")

    def clear(self) -> None:
        """Removes the data of a server that does not run, and the folder that stood in for an unreachable one."""
        if self.pid() is None:
            shutil.rmtree(self._data, ignore_errors=True)
            if self._base != self._wanted:
                shutil.rmtree(self._base.parent, ignore_errors=True)
            self._bin = self._programs()

    def _programs(self) -> Path:
        """The server programs that these data need, or the newest for new ones."""
        file = self._data / "PG_VERSION"
        version = int(file.read_text()) if file.exists() else None
        found = postgres_bin(version)
        if found is None:
            wanted = "15 or newer" if version is None else f"{version}, which made {self._data},"
            raise CannotInstall(f"PostgreSQL {wanted} is missing: run 'make setup', or remove these data.")
        return found

    def _create(self) -> None:
        if self._base != self._wanted:
            _make_stand_in(self._base.parent)
        self._base.mkdir(parents=True, exist_ok=True)
        self._base.chmod(0o700)
        if not self._password_file.exists():
            write_private(self._password_file, secrets.token_urlsafe(24).encode())
        # made under another name: what an interrupted initdb leaves is never taken for data
        half = self._base / "data.new"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir()
        if self._as_user is not None:
            for path in (self._base, half, self._password_file):
                os.chown(path, self._as_user.pw_uid, self._as_user.pw_gid)
        self._run(
            "initdb",
            f"--pgdata={half}",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--data-checksums",
            f"--username={self.superuser}",
            f"--pwfile={self._password_file}",
            "--auth=scram-sha-256",
        )
        half.rename(self._data)

    def _run(self, program: str, *words: str) -> None:
        command = [str(self._bin / program), *words]
        if self._as_user is not None:
            ids = [f"--reuid={self._as_user.pw_uid}", f"--regid={self._as_user.pw_gid}"]
            command = ["setpriv", *ids, "--clear-groups", *command]
        environment = {**os.environ, **libraries()}
        with (self._base / f"{program}.out").open("w") as out:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/", env=environment, check=False
            )
        if done.returncode:
            raise CannotInstall(f"PostgreSQL's {program} failed; its words are in {self._base}/{program}.out and log.")


def _other_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: Debian's user for it, or nobody."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise CannotInstall("PostgreSQL does not run as root, and this machine has no other user: run as an ordinary user.")


def _reachable(base: Path, user: pwd.struct_passwd | None) -> Path:
    """``base``, or a folder under /var/tmp named after it where the other user could not get at ``base``."""
    parents = [path for path in base.absolute().parents if path.exists()]
    if user is None or all(path.stat().st_mode & 0o001 for path in parents):
        return base.absolute()
    folder = Path("/var/tmp") / f"seda-{hashlib.sha256(str(base.absolute()).encode()).hexdigest()[:12]}"
    return folder / base.name


def _make_stand_in(folder: Path) -> None:
    """Makes a folder in /var/tmp, where anybody may write: one that is another's already is not trusted with data."""
    folder.mkdir(mode=0o711, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise CannotInstall(
            f"{folder} belongs to somebody else: remove it, or keep the project where others may enter."
        )
