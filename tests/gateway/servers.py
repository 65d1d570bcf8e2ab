"""A service that tells what it was asked, and real HTTP servers for it and for the door before it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import orjson
import uvicorn
from joserfc.jwk import OKPKey
from pyreqwest.client import Client
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.identity.tokens import AccessTokens
from gateway.limits import Limiter
from gateway.proxy.forward import Door, Patience
from gateway.routes import CITIZEN, PUBLIC, STAFF, Route, RouteTree
from shared.kit.auth import Mint, Verifier
from shared.kit.web.app import create_api

OPERATOR = frozenset({"operator"})

ROUTES = (
    Route("GET", "/v1/open/{thing}", "intake", PUBLIC),
    Route("POST", "/v1/open/{thing}", "intake", PUBLIC, body=256 * 1024),
    Route("DELETE", "/v1/open/{thing}", "intake", PUBLIC),
    Route("GET", "/v1/open/stream", "intake", PUBLIC, streamed=True),
    Route("GET", "/v1/citizens/{thing}", "intake", CITIZEN),
    Route("GET", "/v1/operators/{thing}", "routing", STAFF, roles=OPERATOR),
    Route("GET", "/v1/nobody/{thing}", "letters", PUBLIC),
)


class Server(uvicorn.Server):
    """A server inside the test's loop: signals stay pytest's, and it tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """Serves an application on a free port, as services are served; its URL."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        lifespan="off",
        ws="none",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    server = Server(config)
    task = asyncio.create_task(server.serve())
    await server.listening.wait()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@dataclass
class Upstream:
    """Answers with what it was asked; ``behaviours`` by the last part of the path do something else instead."""

    behaviours: dict[str, ASGIApp] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        behaviour = self.behaviours.get(scope["path"].rpartition("/")[2])
        if behaviour is not None:
            await behaviour(scope, receive, send)
            return
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        asked = {
            "method": scope["method"],
            "target": (scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")).decode(),
            "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
            "length": len(body),
            "body": body[:100].decode("latin-1"),
        }
        self.asked.append(asked)
        await answer(send, 200, orjson.dumps(asked), {"content-type": "application/json"})


async def answer(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    """A whole answer, with its length."""
    fields = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    fields.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


@dataclass(frozen=True)
class Keys:
    """The gateway's signing keys, and the half that a service has."""

    access: OKPKey = field(default_factory=lambda: OKPKey.generate_key("Ed25519", private=True))
    internal: OKPKey = field(default_factory=lambda: OKPKey.generate_key("Ed25519", private=True))

    def tokens(self) -> AccessTokens:
        """The outside tokens."""
        return AccessTokens(self.access, issuer="seda", seconds=600)

    def verifier(self, service: str) -> Verifier:
        """A service's check of internal tokens."""
        return Verifier(OKPKey.import_key(self.internal.as_dict(private=False)), service)


def door(
    keys: Keys,
    upstreams: Mapping[str, str],
    client: Client,
    *,
    tokens: AccessTokens | None = None,
    patience: Patience | None = None,
    per_minute: int = 1_000_000,
    routes: Sequence[Route] = ROUTES,
) -> ASGIApp:
    """The gateway's application, by default with the test's routes, put together as ``gateway.app`` does."""
    api = create_api("gateway")
    api.user_middleware.insert(
        1,
        Middleware(
            Door,
            routes=RouteTree(routes),
            upstreams=upstreams,
            authority=tokens or keys.tokens(),
            mint=Mint(keys.internal),
            limiter=Limiter(per_minute),
            client=client,
            patience=patience or Patience(service=1.0, client=1.0),
        ),
    )
    return api
