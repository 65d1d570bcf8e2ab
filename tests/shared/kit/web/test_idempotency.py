import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from fastapi import APIRouter
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from shared.kit.db import Database, Transaction
from shared.kit.web.app import create_api
from shared.kit.web.idempotency import IDEMPOTENCY_DDL, Answer, Idempotency, fingerprint, forget_keys, parse_key
from shared.kit.web.problems import CONFLICT, Problem

router = APIRouter()
arrived, may_go_on = asyncio.Event(), asyncio.Event()


@router.post("/things", status_code=201)
async def make_thing(body: dict[str, Any], idempotency: Idempotency, connection: Transaction, who: str = "me") -> Any:
    async def make() -> Answer:
        thing = uuid4()
        await connection.execute(text("INSERT INTO things (id) VALUES (:id)"), {"id": thing})
        if body.get("slow"):
            arrived.set()
            await asyncio.wait_for(may_go_on.wait(), 10)
        if body.get("fail"):
            raise Problem(CONFLICT)
        return Answer(201, orjson.dumps({"id": thing}), {"Location": f"/things/{thing}"})

    return await idempotency.once(connection, who, make)


@pytest.fixture
async def database(postgres_database: str) -> AsyncIterator[Database]:
    database = Database.connect(postgres_database, pool_size=4)
    async with database.transaction() as connection:
        for statement in ("DROP TABLE IF EXISTS things, idempotency", "CREATE TABLE things (id uuid)"):
            await connection.execute(text(statement))
        for statement in IDEMPOTENCY_DDL.split(";"):
            if statement.strip():
                await connection.execute(text(statement))
    yield database
    await database.close()


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    api = create_api("intake", routers=[router])
    api.state.database = database
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://seda") as client:
        yield client


async def things(database: Database) -> int:
    async with database.reading() as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM things")) or 0)


KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
QUOTED = {"Idempotency-Key": '"8e03978e-40d5-43e8-bc93-6894a57f9324"'}


async def test_a_repeated_request_is_done_once_and_answered_alike(
    client: httpx.AsyncClient, database: Database
) -> None:
    first = await client.post("/things", json={"a": 1}, headers=KEY)
    again = await client.post("/things", json={"a": 1}, headers=QUOTED)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first.headers["location"] == again.headers["location"]
    assert await things(database) == 1


async def test_another_request_under_the_key_is_422_and_another_caller_s_key_is_another(
    client: httpx.AsyncClient, database: Database
) -> None:
    await client.post("/things", json={"a": 1}, headers=KEY)
    other = await client.post("/things", json={"a": 2}, headers=KEY)
    assert (other.status_code, other.json()["type"]) == (422, "urn:seda:problem:idempotency-key-reused")
    assert (await client.post("/things?who=you", json={"a": 2}, headers=KEY)).status_code == 201
    assert await things(database) == 2


async def test_what_was_refused_is_not_kept(client: httpx.AsyncClient, database: Database) -> None:
    assert (await client.post("/things", json={"fail": True}, headers=KEY)).status_code == 409
    assert await things(database) == 0
    assert (await client.post("/things", json={"fail": False}, headers=KEY)).status_code == 201
    assert await things(database) == 1


async def test_while_one_is_under_way_the_other_is_409_and_then_the_replay(
    client: httpx.AsyncClient, database: Database
) -> None:
    arrived.clear()
    may_go_on.clear()
    first = asyncio.create_task(client.post("/things", json={"slow": True}, headers=KEY))
    await asyncio.wait_for(arrived.wait(), 10)
    second = await client.post("/things", json={"slow": True}, headers=KEY)
    assert (second.status_code, second.headers["retry-after"]) == (409, "1")
    may_go_on.set()
    assert (await first).status_code == 201
    third = await client.post("/things", json={"slow": True}, headers=KEY)
    assert third.content == (await first).content
    assert await things(database) == 1


async def test_many_at_once_make_one(client: httpx.AsyncClient, database: Database) -> None:
    answers = await asyncio.gather(*(client.post("/things", json={"a": 1}, headers=KEY) for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert await things(database) == 1


async def test_a_broken_commit_keeps_neither(client: httpx.AsyncClient, database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("ALTER TABLE things ADD UNIQUE (id) DEFERRABLE INITIALLY DEFERRED"))
        for statement in (
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END'",
            "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON things DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION refuse()",
        ):
            await connection.execute(text(statement))
    assert (await client.post("/things", json={"a": 1}, headers=KEY)).status_code == 500
    assert await things(database) == 0
    async with database.reading() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM idempotency")) == 0


async def test_old_keys_are_forgotten_and_no_key_is_stored(client: httpx.AsyncClient, database: Database) -> None:
    await client.post("/things", json={"a": 1}, headers=KEY)
    async with database.transaction() as connection:
        rows = (await connection.execute(text("SELECT idempotency::text FROM idempotency"))).scalars().all()
        assert len(rows) == 1
        assert KEY["Idempotency-Key"] not in rows[0]
        assert await forget_keys(connection, 24) == 0
        await connection.execute(text("UPDATE idempotency SET created_at = now() - interval '25 hours'"))
        assert await forget_keys(connection, 24) == 1


async def test_without_a_key_it_is_400_and_the_document_says_so() -> None:
    api = create_api("intake", routers=[router])
    transport = httpx.ASGITransport(api)
    async with httpx.AsyncClient(transport=transport, base_url="http://seda") as client:
        missing = await client.post("/things", json={})
        assert (missing.status_code, missing.json()["type"]) == (400, "urn:seda:problem:idempotency-key-missing")
        operation = (await client.get("/openapi.json")).json()["paths"]["/things"]["post"]
    header = next(parameter for parameter in operation["parameters"] if parameter["in"] == "header")
    assert (header["name"], header["required"]) == ("Idempotency-Key", True)
    assert "409" in operation["responses"]


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        (["abc"], "abc"),
        (['"abc"'], "abc"),
        ([' "a\\"b\\\\c d" '], 'a"b\\c d'),
        (["8e03978e-40d5-43e8-bc93-6894a57f9324"], "8e03978e-40d5-43e8-bc93-6894a57f9324"),
        (["x" * 255], "x" * 255),
    ],
)
def test_a_key_is_read_bare_or_quoted(lines: list[str], key: str) -> None:
    assert parse_key(lines) == key


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [""],
        ["  "],
        ['""'],
        ["x" * 256],
        ["a b"],
        ["a,b"],
        ['"a'],
        ['"a";b=1'],
        ["a", "a"],
        ["é"],
        ['"é"'],
        ['"\\a"'],
    ],
)
def test_no_key_is_400(lines: list[str]) -> None:
    with pytest.raises(Problem) as raised:
        parse_key(lines)
    assert raised.value.status_code == 400


@given(st.text(max_size=300))
def test_a_key_is_ascii_or_400(value: str) -> None:
    status = 0
    try:
        key = parse_key([value])
    except Problem as problem:
        status = problem.status_code
    assert status == 400 or (key.isascii() and 1 <= len(key) <= 255)


def test_every_part_counts_in_the_fingerprint() -> None:
    parts: list[tuple[str, str, str, bytes]] = [
        ("POST", "/a", "me", b"{}"),
        ("PUT", "/a", "me", b"{}"),
        ("POST", "/b", "me", b"{}"),
        ("POST", "/a", "you", b"{}"),
        ("POST", "/a", "me", b"{ }"),
        ("POST", "/am", "e", b"{}"),
    ]
    assert len({fingerprint(*part) for part in parts}) == len(parts)
