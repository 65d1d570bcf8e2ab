import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urljoin
from uuid import UUID

import httpx
import orjson
import pytest
from fastapi import APIRouter, Request, Response
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AwareDatetime, Field

from shared.kit.web.app import create_api
from shared.kit.web.paging import Cursor, Page, Paging, link_next, page_of
from shared.kit.web.problems import Problem

CASES: Cursor[tuple[datetime, UUID]] = Cursor("cases", tuple[AwareDatetime, UUID])
NUMBERS: Cursor[int] = Cursor("numbers", Annotated[int, Field(ge=0)])
router = APIRouter()


@router.get("/numbers")
async def numbers(paging: Paging, request: Request, response: Response, odd: bool = False) -> Page[int]:
    after = NUMBERS.decode(paging.cursor)
    everything = [n for n in range(95) if (n % 2 or not odd) and (after is None or n > after)]
    items, following = page_of(everything[: paging.fetch], paging, NUMBERS, lambda n: n)
    link_next(request, response, following)
    return Page(items=list(items), next=following)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_api("intake", routers=[router]))
    async with httpx.AsyncClient(transport=transport, base_url="http://seda") as client:
        yield client


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_cursor_brings_back_its_key(at: datetime, case: UUID) -> None:
    cursor = CASES.encode((at, case))
    assert CASES.decode(cursor) == (at, case)
    with pytest.raises(Problem):
        NUMBERS.decode(cursor)


def packed(document: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(document)).rstrip(b"=").decode()


@given(
    st.text()
    | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode())
    | st.recursive(st.none() | st.integers(-(2**63), 2**63) | st.text(), st.lists).map(packed)
)
def test_garbage_is_a_422(cursor: str) -> None:
    with pytest.raises(Problem) as raised:
        CASES.decode(cursor)
    assert [(fault.pointer, fault.code, fault.place) for fault in raised.value.errors] == [
        ("/cursor", "unknown_cursor", "query")
    ]


@pytest.mark.parametrize(
    "cursor",
    [
        packed(["numbers", -1]),
        packed(["numbers", 2**60]),
        packed(["numbers", "\0"]),
        packed(["numbers"]),
        packed({"numbers": 1}),
        packed(["numbers", 1]) + "\n",
        packed(["numbers", 1]) + "=",
        "A",
        "",
    ],
)
async def test_a_forged_cursor_is_a_422(client: httpx.AsyncClient, cursor: str) -> None:
    answer = await client.get("/numbers", params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/cursor"


async def test_following_the_links_gives_each_item_once(client: httpx.AsyncClient) -> None:
    url, seen, pages = "http://seda/numbers?odd=true&limit=10", [], 0
    while url:
        answer = await client.get(url)
        seen += answer.json()["items"]
        pages += 1
        link = answer.links.get("next", {}).get("url", "")
        assert bool(link) == (answer.json()["next"] is not None)
        url = urljoin(url, link) if link else ""
    assert seen == list(range(1, 95, 2))
    assert pages == 5


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "1e3", "9" * 5000])
async def test_a_limit_is_1_to_100(client: httpx.AsyncClient, limit: str) -> None:
    assert (await client.get("/numbers", params={"limit": limit})).status_code == 422
    assert len((await client.get("/numbers", params={"limit": 95})).json()["items"]) == 95
