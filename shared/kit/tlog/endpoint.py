"""``add-checkpoint`` of https://c2sp.org/tlog-witness over HTTP, for a service that is a witness.

For the inside only: a witness cosigns for whoever brings a checkpoint that the log signed, so nothing is lost if
others reach it, but nothing is gained either.
"""

import asyncio
import errno
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from shared.kit.telemetry import log
from shared.kit.tlog.cosignature import COSIGNATURE, Cosigner
from shared.kit.tlog.notes import Malformed, NoteVerifier, SigningKey
from shared.kit.tlog.witness import SIZE_CONTENT_TYPE, Refused, SeenCheckpoints, Witness
from shared.kit.web.app import create_api

PATH = "/internal/witness"
"""Where a witness is; the log adds ``/add-checkpoint``. Nothing is logged of it: that would be the log's rhythm."""

_LARGEST_BODY = 64 * 1024
_BUSY_SECONDS = 5.0


def load_witness(folder: Path, service: str, seen: SeenCheckpoints) -> Witness:
    """The witness that ``service`` is, from a folder of keys: ``witness-<service>.skey``, and ``log-policy.json`` for
    the log that it countersigns. OSError if one is missing, Malformed if one is not right."""
    key = SigningKey.parse((folder / f"witness-{service}.skey").read_text("ascii"), COSIGNATURE)
    try:
        policy = json.loads((folder / "log-policy.json").read_text("utf-8"))
        logs = {policy["origin"]: [NoteVerifier.parse(vkey) for vkey in policy["logs"]]}
    except (ValueError, TypeError, KeyError):
        raise Malformed("not a policy") from None
    return Witness(Cosigner(key), logs, seen)


def witness_router(witness: Witness) -> APIRouter:
    """The route, in no OpenAPI document: its body and answers are the protocol's, not JSON."""
    router = APIRouter(prefix=PATH, include_in_schema=False)

    @router.post("/add-checkpoint")
    async def add_checkpoint(request: Request) -> Response:
        """Countersigns a checkpoint of the log, if it only adds to what was seen before."""
        body = await request.body()
        try:
            if len(body) > _LARGEST_BODY:
                raise Refused(400, "the body is too long")
            return PlainTextResponse(await witness.add_checkpoint(body.decode(), int(time.time())))
        except UnicodeDecodeError:
            return PlainTextResponse("not UTF-8\n", 400)
        except Refused as refused:
            if refused.size is not None:
                # as a header: of a media type that is text, it would be told the charset, too
                return Response(f"{refused.size}\n", refused.status, {"Content-Type": SIZE_CONTENT_TYPE})
            return PlainTextResponse(f"{refused}\n", refused.status)

    return router


class WitnessServer:
    """A job that serves a witness on a port of its own: for the service whose main port is the public door."""

    name = "witness"

    def __init__(self, service: str, witness: Witness, *, host: str, port: int) -> None:
        self._app = create_api(service, routers=[witness_router(witness)], quiet=(PATH,))
        self._address = (host, port)

    async def run(self) -> None:
        """Serves until cancelled. While another process of the service has the port, that one serves."""
        with await self._listener() as listener:
            server = _Inner(
                uvicorn.Config(self._app, log_config=None, access_log=False, server_header=False, date_header=False)
            )
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                await asyncio.shield(serving)
            finally:
                server.should_exit = True
                await serving

    async def _listener(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        while True:
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(self._address)
            except OSError as error:
                listener.close()
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return listener
            log.info("witness_port_in_use")
            await asyncio.sleep(_BUSY_SECONDS)


class _Inner(uvicorn.Server):
    """A server beside the process's own, which alone listens to signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield
