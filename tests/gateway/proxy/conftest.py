"""A door before a service, both on real sockets, for all tests of a module."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from deploy.local.ports import free_port
from gateway.identity.tokens import AccessTokens
from gateway.proxy.forward import make_client
from tests.gateway.servers import Keys, Upstream, door, serving


@dataclass
class Setup:
    """What a test holds in its hands."""

    url: str
    http: httpx.AsyncClient
    upstream: Upstream
    keys: Keys
    tokens: AccessTokens

    @property
    def port(self) -> int:
        """The door's port."""
        return int(self.url.rpartition(":")[2])


@pytest.fixture(scope="module")
async def setup() -> AsyncIterator[Setup]:
    """Services intake and routing are one upstream; nobody listens where letters should be."""
    upstream, keys = Upstream(), Keys()
    tokens = keys.tokens()
    async with serving(upstream) as service, make_client(16) as client:
        upstreams = {"intake": service, "routing": service, "letters": f"http://127.0.0.1:{free_port()}"}
        async with (
            serving(door(keys, upstreams, client, tokens=tokens)) as url,
            httpx.AsyncClient(base_url=url, timeout=10, trust_env=False) as http,
        ):
            yield Setup(url, http, upstream, keys, tokens)
