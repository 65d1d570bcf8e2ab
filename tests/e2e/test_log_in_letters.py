"""What a letter prints of the transparency log, and what its code tells, against the log itself."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from deploy.local.client import System, complaint, wait_for
from services.integrity.log.keys import load_policy
from services.integrity.log.proof import LogProof
from services.integrity.log.tiles import tiles_of
from services.integrity.zrm import repository
from services.integrity.zrm.roots import GRACE, root_next_day
from shared.kit.db import Database
from shared.kit.tlog.checkpoint import Checkpoint
from shared.kit.tlog.merkle import root_of
from shared.kit.tlog.notes import Note
from shared.persian.calendar import day_bounds, jalali, tehran_day
from tests.e2e.journeys import a_mobile, decided
from tests.services.letters.papers import attached, groups, words

pytestmark = pytest.mark.e2e


def rooted(system: System, day: date) -> bytes:
    """The day and all before it have roots, as if the clock had come to it; the hash of its leaf."""

    async def run() -> bytes:
        database = Database.connect(f"{system.run['postgres']}/seda_integrity", pool_size=1)
        async with database.transaction() as connection:
            # a day has a root once there was an event on it or before
            await repository.add_events(connection, [uuid4()], [day], [sha256(b"an event").digest()])
        now = day_bounds(day)[1] + GRACE
        while True:
            async with database.transaction() as connection:
                if await root_next_day(connection, now) is None:
                    break
        await database.close()
        return bytes(await fetch(system, "integrity", "SELECT leaf_hash FROM zrm_roots WHERE day = $1", day))

    return asyncio.run(run())


async def fetch(system: System, service: str, query: str, *arguments: Any) -> Any:
    connection = await asyncpg.connect(f"{system.run['postgres']}/seda_{service}")
    try:
        return await connection.fetchval(query, *arguments)
    finally:
        await connection.close()


def check(system: System, leaf: bytes, *, index: int, size: int, root: str) -> None:
    """Asserts that the log, as everybody may read it, has that leaf there, and had that root at that size."""
    policy = load_policy(system.base / "keys")
    answer = system.http.get(f"/v1/log/proof?leaf={leaf.hex()}").raise_for_status().json()
    proof = LogProof.parse(answer["proof"])
    policy.witnessed(proof.note)
    proof.verify_leaf(leaf)
    assert answer["index"] == proof.index == index

    def late_enough() -> Checkpoint | None:
        note = Note.parse(system.http.get("/v1/log/checkpoint").raise_for_status().text)
        policy.witnessed(note)
        checkpoint = Checkpoint.parse(note.text)
        return checkpoint if checkpoint.size >= size else None

    checkpoint = wait_for(late_enough, "a checkpoint over it")
    tiles = [tile for tile in tiles_of(checkpoint.size) if tile.level == 0]
    content = b"".join(system.http.get(f"/v1/log/tile/{tile.path()}").raise_for_status().content for tile in tiles)
    hashes = [content[at : at + 32] for at in range(0, len(content), 32)]
    assert root_of(hashes) == checkpoint.root
    assert hashes[index] == leaf
    assert root_of(hashes[:size]).hex() == root


def test_a_letter_prints_what_the_log_says_and_its_code_tells_of_its_own_day(system: System) -> None:
    yesterday = tehran_day(datetime.now(UTC)) - timedelta(days=1)
    leaf = rooted(system, yesterday)
    known = "SELECT true FROM log_roots WHERE day = $1"
    wait_for(lambda: asyncio.run(fetch(system, "letters", known, yesterday)), "letters to hear of it")
    citizen = system.citizen(a_mobile())
    case = citizen.post("/v1/cases", complaint())
    pdf = decided(system, citizen, case["id"])
    record = attached(pdf)
    printed = record["log"]
    assert printed["day_jalali"] == jalali(yesterday)
    seen = {word.text for word in words(pdf)}
    assert set(groups(bytes.fromhex(printed["root"]))) <= seen
    check(system, leaf, index=printed["index"], size=printed["size"], root=printed["root"])

    verify = record["verify_url"].removeprefix(system.run["gateway"])
    shown = system.http.get(verify).raise_for_status().json()
    assert shown["log"] is None, "the day is not over"
    issued = "SELECT event_id FROM event_archive WHERE type = 'letter.issued.v1' AND case_id = $1::text::uuid"
    event = wait_for(lambda: asyncio.run(fetch(system, "letters", issued, case["id"])), "the letter's event")
    tallied = "SELECT day FROM zrm_events WHERE event_id = $1"
    day = wait_for(lambda: asyncio.run(fetch(system, "integrity", tallied, event)), "the letter's event in the tally")
    rooted(system, day)

    def told() -> dict[str, Any] | None:
        found: dict[str, Any] | None = system.http.get(verify).raise_for_status().json()["log"]
        return found

    log = wait_for(told, "the root of the letter's own day")
    assert log["day"] == day.isoformat()
    own = bytes.fromhex(log["proof"].removeprefix("/v1/log/proof?leaf="))
    check(system, own, index=log["index"], size=log["size"], root=log["root"])
