"""A private RabbitMQ node: own data, own cookie, own epmd, everything on 127.0.0.1."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from deploy.local.files import write_private
from deploy.local.packages import UNPACKED, CannotInstall, libraries, rabbitmq_sbin
from deploy.local.processes import end, wait_until, with_variable

PLUGINS = ("rabbitmq_management", "rabbitmq_consistent_hash_exchange")
START_SECONDS = 90
STOP_SECONDS = 30


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
        """Starts the node if it does not run; returns when it takes connections."""
        if self.pid() is None:
            self._launch()
        # not 'rabbitmqctl wait': it needs ps(1), which a Debian in a container lacks, and two seconds of a processor
        wait_until(lambda: self._greets() or not self._server_processes(), START_SECONDS)
        if not self._greets():
            self.stop()
            raise CannotInstall(f"RabbitMQ did not start; its words are in {self._base}/start.out and log/.")

    def _launch(self) -> None:
        self._write_configuration()
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

    def _greets(self) -> bool:
        """Whether it answers a client's first words (AMQP 0-9-1, 4.2.2) with a method frame. It listens for clients
        only when all else, plugins too, has started."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
                client.sendall(b"AMQP\x00\x00\x09\x01")
                return client.recv(1) == b"\x01"
        except OSError:
            return False

    def stop(self) -> None:
        """Stops the node, even one that is still starting, and its epmd; returns when all of it is down."""
        node = self.pid()
        if node is not None:
            # the same orderly shutdown as ``rabbitmqctl shutdown``, for which one that still starts may not be ready
            end([node], seconds=STOP_SECONDS if self._greets() else 2)
            wait_until(lambda: not self._server_processes(), STOP_SECONDS)
        end(list(self._processes()), seconds=5)

    def kill(self) -> None:
        """Ends the node as a power cut would, for tests; returns when it is gone."""
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGKILL)
        if not wait_until(lambda: not self._server_processes(), STOP_SECONDS):
            raise TimeoutError(f"RabbitMQ (process {pid}) outlives SIGKILL")

    def clear(self) -> None:
        """Removes the data of a node that does not run."""
        if self.pid() is None:
            shutil.rmtree(self._base / "mnesia", ignore_errors=True)

    def pid(self) -> int | None:
        """The node's process, None if it does not run."""
        return next((pid for pid, command in self._processes().items() if " -s rabbit boot " in command), None)

    def _processes(self) -> dict[int, str]:
        """All that was started for this node, its epmd too: all of it has our pid file in its environment."""
        return with_variable(f"RABBITMQ_PID_FILE={self._base / 'pid'}")

    def _server_processes(self) -> dict[int, str]:
        """The same without epmd, which outlives its node."""
        return {pid: command for pid, command in self._processes().items() if "epmd -daemon" not in command}

    def _write_configuration(self) -> None:
        for name in ("mnesia", "log", "generated"):
            (self._base / name).mkdir(parents=True, exist_ok=True)
        self._base.chmod(0o700)
        for name in ("password", ".erlang.cookie"):
            secret = self._base / name
            if not secret.exists():
                write_private(secret, secrets.token_hex(20).encode())
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
            **libraries(),
            "LANG": "C.UTF-8",
            "HOME": str(base),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # of no port: the data are filed under this name, and a moved port must find them again
            "RABBITMQ_NODENAME": "seda@localhost",
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
