"""Lists: ``{items, next}`` by an opaque cursor, with ``Link: <…>; rel="next"``, at most 100 a page."""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode

import orjson
from fastapi import Depends, Query
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from shared.kit.web.jsonbody import parse_json
from shared.kit.web.language import Text
from shared.kit.web.problems import FieldFault, Problem, invalid_fields

MOST: Final = 100
USUAL: Final = 20

_CURSOR: Final = re.compile(r"[A-Za-z0-9_-]{1,500}")
_BAD_CURSOR: Final = Text(
    "این نشانهٔ صفحه شناخته نیست؛ لطفاً از صفحهٔ نخست آغاز کنید.",
    "This cursor is not known; please start from the first page.",
)

K = TypeVar("K")
Row = TypeVar("Row")
Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """A page of a list; ``next`` is the cursor of the following page, null on the last."""

    items: list[Item]
    next: str | None = None


class PageQuery:
    """``limit`` and ``cursor`` as asked for."""

    def __init__(
        self,
        limit: Annotated[int, Query(ge=1, le=MOST)] = USUAL,
        cursor: Annotated[str | None, Query(max_length=500, description="next of the page before")] = None,
    ) -> None:
        self.limit = limit
        self.cursor = cursor

    @property
    def fetch(self) -> int:
        """How many rows to read: one more than shown tells whether there is a next page."""
        return self.limit + 1


Paging = Annotated[PageQuery, Depends()]
"""An endpoint's parameter: ``paging: Paging``."""


class Cursor(Generic[K]):
    """The place in one kind of list: the sort key of a page's last row, packed so that clients do not build on it.

    It is not signed: it opens nothing, since every list is filtered by what the caller may see.
    """

    def __init__(self, name: str, key: Any) -> None:
        """``name`` of the list, so that another list's cursor is refused; ``key`` the type of its sort key, such as
        ``tuple[AwareDatetime, UUID]``."""
        self._name = name
        self._adapter: TypeAdapter[K] = TypeAdapter(key)

    def encode(self, key: K) -> str:
        """The cursor after the row with this sort key."""
        packed = orjson.dumps([self._name, self._adapter.dump_python(key, mode="json")])
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()

    def decode(self, cursor: str | None) -> K | None:
        """The sort key to go on after; None for the first page. Problem 422 for what is no cursor of this list."""
        if cursor is None:
            return None
        try:
            if not _CURSOR.fullmatch(cursor):
                raise ValueError
            document = parse_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            name, key = document
            if name != self._name:
                raise ValueError
            return self._adapter.validate_json(orjson.dumps(key))
        except (binascii.Error, ValidationError, ValueError, TypeError, Problem):
            raise invalid_fields(FieldFault("/cursor", "unknown_cursor", _BAD_CURSOR, "query")) from None


def page_of(
    rows: Sequence[Row], paging: PageQuery, cursor: Cursor[K], key: Callable[[Row], K]
) -> tuple[Sequence[Row], str | None]:
    """What to show of the ``paging.fetch`` rows read, and the next page's cursor, made of the last row's ``key``."""
    if len(rows) <= paging.limit:
        return rows, None
    shown = rows[: paging.limit]
    return shown, cursor.encode(key(shown[-1]))


def link_next(request: Request, response: Response, cursor: str | None) -> None:
    """Sets ``Link`` (RFC 8288) to the same query with the next cursor, relative so that it holds behind a gateway."""
    if cursor is not None:
        query = [
            (name, value) for name, value in parse_qsl(request.url.query, keep_blank_values=True) if name != "cursor"
        ]
        response.headers["Link"] = f'<?{urlencode([*query, ("cursor", cursor)])}>; rel="next"'
