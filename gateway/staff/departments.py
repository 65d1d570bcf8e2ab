"""Which departments there are: routing's directory, asked when an account is given one."""

from datetime import timedelta

import orjson
from pyreqwest.client import Client
from pyreqwest.exceptions import PyreqwestError

from gateway.identity.tokens import PUBLIC
from shared.kit.auth import Mint
from shared.kit.web.problems import unavailable

_SECONDS = 5


class Departments:
    """Asks routing; nothing is kept, since accounts are made seldom."""

    def __init__(self, client: Client, url: str, mint: Mint) -> None:
        """``url``: the base URL of routing's API."""
        self._client = client
        self._url = f"{url.rstrip('/')}/v1/reference/departments"
        self._mint = mint

    async def known(self) -> frozenset[str]:
        """The ids of the departments in use. Raises a 503 problem if routing does not answer."""
        asked = self._client.get(self._url).bearer_auth(self._mint.token(PUBLIC, "routing"))
        try:
            answer = await asked.timeout(timedelta(seconds=_SECONDS)).build().send()
            if answer.status != 200:
                raise unavailable()
            return frozenset(item["id"] for item in orjson.loads(bytes(await answer.bytes()))["items"])
        except (TimeoutError, PyreqwestError, ValueError, KeyError, TypeError):
            raise unavailable() from None
