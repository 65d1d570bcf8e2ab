"""``python -m deploy.smsc``: the simulator as a process of its own, until SIGTERM or SIGINT."""

import asyncio
import os
import socket

import uvicorn
import uvloop
from pydantic import ValidationError

from deploy.smsc.server import Smsc
from deploy.smsc.settings import SmscSettings
from deploy.smsc.web import create_app


async def serve(settings: SmscSettings) -> None:
    """Serves SMPP and HTTP in one loop; returns when told to stop."""
    with _listen(settings.host, settings.port) as smpp, _listen(settings.host, settings.phones_port) as http:
        smsc = Smsc(settings)
        await smsc.start(smpp)
        server = uvicorn.Server(uvicorn.Config(create_app(smsc), log_config=None, access_log=False, lifespan="off"))
        print(
            f"SMSC simulator (no text leaves this machine): SMPP on {settings.host}:{smpp.getsockname()[1]},"
            f" phones on http://{settings.host}:{http.getsockname()[1]}",
            flush=True,
        )
        try:
            await server.serve(sockets=[http])
        finally:
            await smsc.stop()


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=1024)
    except OSError as error:
        raise SystemExit(
            f"The SMSC simulator cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}"
        ) from None


def main() -> None:
    """Reads the settings and serves; a missing setting or a taken port gets one sentence."""
    try:
        settings = SmscSettings()
    except ValidationError as error:
        names = [str(part["loc"][0]) for part in error.errors()]
        wrong = ", ".join(name if name.startswith("SEDA_") else f"SEDA_SMSC_{name.upper()}" for name in names)
        raise SystemExit(f"The SMSC simulator's settings are missing or wrong: {wrong}") from None
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))


if __name__ == "__main__":
    main()
