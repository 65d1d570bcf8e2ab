"""A private RabbitMQ node: own data, own cookie, own epmd, everything on 127.0.0.1."""

import os
import secrets
import signal
import subprocess
import time
from pathlib import Path

from deploy.local.packages import UNPACKED, CannotInstall, rabbitmq_sbin

PLUGINS = ("rabbitmq_management", "rabbitmq_consistent_hash_exchange")
START_SECONDS = 90


class PrivateRabbitMQ:
    """Data, logs and configuration under ``base``. Stops nothing that it did not start."""

    def __init__(self, base: Path, *, port: int, management_port: int, dist_port: int, epmd_port: int) -> None:
        found = rabbitmq_sbin()
        if found is None:
            raise CannotInstall("RabbitMQ is missing: run 'make setup'.")
        self._sbin = found
        self._base = base.absolute()
        self.port = port
        self.management_port = management_port
        self._dist_port = dist_port
        self._epmd_port = epmd_port

    @property
    def password(self) -> str:
        """The password of the user ``seda``, random per installation."""
        return (self._base / "password").read_text().strip()

    @property
    def url(self) -> str:
        """The AMQP URL, without a virtual host."""
        return f"amqp://seda:{self.password}@127.0.0.1:{self.port}"

    @property
    def management_url(self) -> str:
        """The management API with its login."""
        return f"http://seda:{self.password}@127.0.0.1:{self.management_port}"

    def start(self) -> None:
        """Starts the node; returns when it takes connections."""
        self._write_configuration()
        pid_file = self._base / "pid"
        pid_file.unlink(missing_ok=True)
        with (self._base / "start.out").open("w") as out:
            # a session of its own: a Ctrl-C in the terminal is for us, and the node outlives us until it is stopped
            subprocess.run(
                ["setsid", "--fork", self._sbin / "rabbitmq-server"],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self._base,
                check=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not pid_file.exists():
            if time.monotonic() > deadline:
                raise CannotInstall(f"RabbitMQ did not start; its words are in {self._base}/start.out and log/.")
            time.sleep(0.1)
        self._ctl("wait", str(pid_file), "--timeout", str(START_SECONDS))

    def stop(self) -> None:
        """Stops the node and its epmd; returns when both are down."""
        if self.pid() is None:
            return
        self._ctl("stop", str(self._base / "pid"))
        self._stop_epmd()

    def kill(self) -> None:
        """Ends the node as a power cut would, for tests; returns when it is gone."""
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists() and self.pid() is not None:
            time.sleep(0.02)

    def pid(self) -> int | None:
        """The node's process, None if it does not run."""
        try:
            pid = int((self._base / "pid").read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if b"beam" in words and str(self._base).encode() in words else None

    def _stop_epmd(self) -> None:
        epmd = next(
            (path for root in (Path("/"), UNPACKED) for path in root.glob("usr/lib/erlang/erts-*/bin/epmd")), None
        )
        if epmd is not None:
            subprocess.run([epmd, "-port", str(self._epmd_port), "-kill"], capture_output=True, check=False)

    def _ctl(self, *words: str) -> None:
        done = subprocess.run(
            [self._sbin / "rabbitmqctl", "-q", *words], env=self._environment(), capture_output=True, check=False
        )
        if done.returncode:
            raise CannotInstall(f"rabbitmqctl {words[0]} failed; RabbitMQ's words are in {self._base}/log.")

    def _write_configuration(self) -> None:
        for name in ("mnesia", "log", "generated"):
            (self._base / name).mkdir(parents=True, exist_ok=True)
        for name in ("password", ".erlang.cookie"):
            secret = self._base / name
            if not secret.exists():
                secret.write_text(secrets.token_hex(20))
                secret.chmod(0o400)
        (self._base / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {self.management_port}\n"
            f"default_user = seda\ndefault_pass = {self.password}\n"
            "vm_memory_high_watermark.absolute = 2GB\ndisk_free_limit.absolute = 200MB\n"
            "log.file.level = warning\n"
        )
        (self._base / "enabled_plugins").write_text(f"[{','.join(PLUGINS)}].\n")

    def _environment(self) -> dict[str, str]:
        base = self._base
        erlang = UNPACKED / "usr/lib/erlang/bin"
        path = os.environ.get("PATH", "/usr/bin:/bin")
        return {
            "PATH": f"{erlang}:{UNPACKED}/usr/bin:{path}" if erlang.exists() else path,
            "LANG": "C.UTF-8",
            "HOME": str(base),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"seda{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_MNESIA_BASE": str(base / "mnesia"),
            "RABBITMQ_LOG_BASE": str(base / "log"),
            "RABBITMQ_PID_FILE": str(base / "pid"),
            "RABBITMQ_CONFIG_FILE": str(base / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(base / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(base / "generated"),
            "RABBITMQ_CONF_ENV_FILE": str(base / "none.conf"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
