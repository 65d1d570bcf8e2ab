"""The witness outside the ministry in tests: a process of its own, which may be down, or killed and started again."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from deploy.local.client import wait_for
from deploy.local.packages import ROOT
from deploy.local.ports import free_port
from deploy.witness import make_witness_key
from shared.kit.tlog.endpoint import PATH

NAME = "witness.example/outside"


class Outside:
    """A witness with a folder, key and port of its own, for the log of ``policy`` (``log-policy.json``, parsed).

    ``policy`` afterwards has it among the witnesses, any two of whom are enough.
    """

    name = NAME

    def __init__(self, folder: Path, policy: dict[str, Any]) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}{PATH}"
        (folder / "log-policy.json").write_text(json.dumps(policy))
        vkey = make_witness_key(folder, NAME)
        self.policy = {**policy, "witnesses": [*policy["witnesses"], str(vkey)], "quorum": 2}
        self.setting = json.dumps({NAME: self.url})
        """Of ``SEDA_LOG_WITNESSES``."""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it listens."""
        command = [sys.executable, "-m", "deploy.witness", str(self.folder), "--name", NAME, "--port", str(self.port)]
        with (self.folder / "witness.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self._listens, "the witness outside")

    def _listens(self) -> bool | None:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "witness.log").read_text()
        with socket.socket() as probe:
            return True if probe.connect_ex(("127.0.0.1", self.port)) == 0 else None

    def kill(self) -> None:
        """As a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """Runs while the block does."""
        await asyncio.to_thread(self.start)
        try:
            yield
        finally:
            self.kill()
