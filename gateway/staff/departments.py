"""Which departments there are: routing's directory, asked when an account is given one."""

import httpx
import orjson

from gateway.identity.tokens import PUBLIC
from shared.kit.auth import Mint
from shared.kit.web.problems import unavailable

_SECONDS = 5


class Departments:
    """Asks routing; nothing is kept, since accounts are made seldom."""

    def __init__(self, url: str, mint: Mint) -> None:
        """``url``: the base URL of routing's API."""
        self._url = f"{url.rstrip('/')}/v1/reference/departments"
        self._mint = mint

    async def known(self) -> frozenset[str]:
        """The ids of the departments in use. Raises a 503 problem if routing does not answer."""
        headers = {"Authorization": f"Bearer {self._mint.token(PUBLIC, 'routing')}"}
        try:
            async with httpx.AsyncClient(timeout=_SECONDS, trust_env=False) as client:
                answer = (await client.get(self._url, headers=headers)).raise_for_status()
            return frozenset(item["id"] for item in orjson.loads(answer.content)["items"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            raise unavailable() from None
