"""Every kind of tampering with reports, their files, holders and ZRM's days, on every column: found, and named."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from PIL import Image

from services.integrity.audit import examine_reports
from services.integrity.auditing.evidence import audit_evidence
from services.integrity.auditing.findings import Finding
from services.integrity.zrm import repository as zrm
from services.integrity.zrm.roots import GRACE, root_next_day
from shared.kit.ids import uuid7
from shared.kit.migrate import upgrade
from shared.kit.uploads import FolderStore
from shared.persian.calendar import day_bounds
from tests.services.integrity.auditing.coverage import LOG, REPORTS, Table, columns_of, disarm
from tests.services.integrity.inspection.conftest import clear
from tests.services.integrity.offices import offices

BY_NAME = {table.name: table for table in REPORTS}
DAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
async def played(postgres_database: str, folder: Path) -> AsyncIterator[asyncpg.Connection]:
    """Two reports, one of them confidential, with two epochs, evidence and messages; the constraints are gone."""
    await asyncio.to_thread(upgrade, "services.integrity", postgres_database)
    async with offices(postgres_database, folder, custodians=3, quorum=2) as office:
        await clear(office.admin)
        boss = await office.holder("supervisor", "supervisor")
        ann = await office.holder("ann", "inspector", province="IR-23", name="آن نمونه")
        bob = await office.holder("bob", "inspector", province="IR-10", name="باب نمونه")
        for n in (1, 2, 3):
            await office.holder(f"custodian.{n}", "custodian")
        await office.file(people="باب نمونه")
        contact = {"name": "ژیان", "mobile": "09121234567", "notify": True}
        id = (await office.file(mode="confidential", contact=contact))["id"]
        await office.step(ann, id, type="acknowledge")
        uploads = [await office.upload(ann, content) for content in (b"%PDF-1.7\n" + bytes(100), _picture())]
        await office.step(ann, id, type="triage", priority="high", admissible=True, note="پذیرفتنی است.")
        await office.step(ann, id, type="investigate", note="به شعبه می‌روم.")
        await office.step(ann, id, type="evidence", note="فیش", attachments=uploads)
        opened = await office.read(boss, id)
        await office.step(boss, id, type="assign", inspector="bob", **opened.regrant(bob.key.recipient))
        await office.step(bob, id, type="message", body="در چه تاریخی بود؟")
        for day in range(2):
            async with office.database.transaction() as connection:
                ids = [uuid7() for _ in range(3)]
                hashes = [sha256(id.bytes).digest() for id in ids]
                await zrm.add_events(connection, ids, [DAY + timedelta(days=day)] * 3, hashes)
                assert await root_next_day(connection, day_bounds(DAY)[1] + GRACE + timedelta(days=day))
        await disarm(office.admin, (*REPORTS, *LOG))
        yield office.admin


@pytest.fixture
async def database(played: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """The same in a transaction that is rolled back."""
    transaction = played.transaction()
    await transaction.start()
    yield played
    await transaction.rollback()


def _picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    return out.getvalue()


async def test_what_was_played_passes(database: asyncpg.Connection) -> None:
    assert await examine_reports(database) == []
    for table in BY_NAME:
        assert await database.fetchval(f"SELECT count(*) FROM {table}"), table
    assert await database.fetchval("SELECT count(*) FROM grants WHERE revoked_seq IS NOT NULL")
    assert await database.fetchval("SELECT max(epoch) FROM report_epochs") > 1


async def _rows(connection: asyncpg.Connection, table: Table) -> list[dict[str, Any]]:
    """The first, a middle and the last row, with what names it: the number of the report that it belongs to, and its
    own place among the rows."""
    rows = [dict(row) for row in await connection.fetch(f"SELECT * FROM {table.name} ORDER BY {', '.join(table.key)}")]
    numbers = {row["id"]: row["report_no"] for row in await connection.fetch("SELECT id, report_no FROM reports")}
    for place, row in enumerate(rows, 1):
        row.setdefault("report_no", numbers.get(row.get("report_id")))
        row |= {"among_": "+".join(row.get("among", ())), "number_": place}
    return [rows[place] for place in sorted({0, len(rows) // 2, len(rows) - 1})]


def _where(table: Table, first: int = 2) -> str:
    return " AND ".join(f"{key} = ${place}" for place, key in enumerate(table.key, first))


def _another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value ^ 1 << 12
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:] if value else b"x"
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    if isinstance(value, date):
        return value - timedelta(days=400)
    if isinstance(value, list):
        return [*value, "x"]
    if isinstance(value, str):
        return json.dumps({"x": 1}) if value.startswith("{") else f"{value[:-1]}~"
    return UUID(int=value.int ^ 1)


def _assert_named(found: Sequence[Finding], table: Table, row: dict[str, Any], changed: dict[str, Any]) -> None:
    known = [row, {**row, **changed, "among_": "+".join(changed.get("among", row.get("among", ())))}]
    names = [name.format(**each) for name in table.names for each in known]
    assert any(finding.table == table.name and any(name in finding.row for name in names) for finding in found), (
        names,
        [str(finding) for finding in found],
    )


async def _try(connection: asyncpg.Connection, statement: str, *values: Any) -> list[Finding]:
    """What is found once that is done; it is undone."""
    point = connection.transaction()
    await point.start()
    assert not (await connection.execute(statement, *values)).endswith(" 0"), statement
    found = await examine_reports(connection)
    await point.rollback()
    return found


@pytest.mark.parametrize("table", list(BY_NAME))
async def test_a_changed_column(database: asyncpg.Connection, table: str) -> None:
    """Every column that the table has."""
    of = BY_NAME[table]
    for row in await _rows(database, of):
        for column in await columns_of(database, table):
            if row[column] is None or column == "report_id":
                continue
            changed = _another(row[column])
            if column == "registered_at":
                changed = row[column] + timedelta(hours=1)  # a leaf says the hour
            statement = f"UPDATE {table} SET {column} = $1 WHERE {_where(of)}"
            found = await _try(database, statement, changed, *(row[key] for key in of.key))
            _assert_named(found, of, row, {column: changed})


@pytest.mark.parametrize("table", list(BY_NAME))
async def test_a_removed_row(database: asyncpg.Connection, table: str) -> None:
    of = BY_NAME[table]
    for row in await _rows(database, of):
        found = await _try(database, f"DELETE FROM {table} WHERE {_where(of, 1)}", *(row[key] for key in of.key))
        _assert_named(found, of, row, {})


@pytest.mark.parametrize("table", list(BY_NAME))
async def test_all_rows_removed(database: asyncpg.Connection, table: str) -> None:
    of = BY_NAME[table]
    found = await _try(database, f"DELETE FROM {table}")
    for row in await _rows(database, of):
        _assert_named(found, of, row, {})


@pytest.mark.parametrize("junk", [b"[]", b"7", b"\xff", b'{"grants":5,"data":[]}'])
async def test_whatever_stands_in_the_place_of_a_manifest_or_a_leaf_is_named(
    database: asyncpg.Connection, junk: bytes
) -> None:
    for step in await database.fetch("SELECT report_id, seq, leaf FROM report_steps"):
        found = await _try(
            database,
            "UPDATE report_steps SET manifest = $3 WHERE report_id = $1 AND seq = $2",
            step["report_id"],
            step["seq"],
            junk,
        )
        assert {(finding.table, f"seq {step['seq']}" in finding.row) for finding in found} == {("report_steps", True)}
        found = await _try(database, "UPDATE log_leaves SET leaf = $2 WHERE hash = $1", step["leaf"], junk)
        assert ("report_steps", True) in {(one.table, f"seq {step['seq']}" in one.row) for one in found}
    for holder in await database.fetch("SELECT username FROM holders"):
        name = f"holder:{holder['username']}"
        found = await _try(database, "UPDATE log_leaves SET leaf = $2 WHERE chain = $1", name, junk)
        assert "holder_keys" in {finding.table for finding in found}


async def test_a_report_removed_with_all_that_belongs_to_it(database: asyncpg.Connection) -> None:
    (id, number) = await database.fetchrow("SELECT id, report_no FROM reports LIMIT 1")
    for table in REPORTS:
        if "report_id" in table.key:
            await database.execute(f"DELETE FROM {table.name} WHERE report_id = $1", id)
    await database.execute("DELETE FROM reports WHERE id = $1", id)
    assert [(one.table, one.row) for one in await examine_reports(database)] == [("reports", f"report {number}")]


@pytest.mark.parametrize("table", list(BY_NAME))
async def test_two_rows_swapped(database: asyncpg.Connection, table: str) -> None:
    """In one column, and in all but the key."""
    of = BY_NAME[table]
    rows = await _rows(database, of)
    first, second = rows[0], rows[-1]
    columns = [
        name
        for name in await columns_of(database, table)
        if name not in of.key and first[name] != second[name] and name != "registered_at"  # of the same hour
    ]
    if not columns:
        assert table == "report_exclusions"  # besides its key it names the first step, always
        return
    count, keys = len(of.key), [row[key] for row in (first, second) for key in of.key]
    one, other = _where(of, 1), _where(of, 1 + count)
    its_own = " AND ".join(f"t.{key} = ${place}" for place, key in enumerate(of.key, 1))
    for some in (*([column] for column in columns), columns):
        # of both rows, that which is not the row itself
        values = ", ".join(
            f"{column} = (SELECT {column} FROM {table} WHERE (({one}) OR ({other})) AND ({one}) <> ({its_own}))"
            for column in some
        )
        found = await _try(database, f"UPDATE {table} t SET {values} WHERE ({one}) OR ({other})", *keys)
        for row, from_ in ((first, second), (second, first)):
            _assert_named(found, of, row, {column: from_[column] for column in some})


INSERTED: dict[str, dict[str, Any]] = {
    "reports": {"id": uuid4(), "report_no": "inserted", "locator": "00000000"},
    "report_steps": {"seq": 999},
    "report_epochs": {"epoch": 9},
    "grants": {"epoch": 9},
    "recovery_shares": {"epoch": 9},
    "identity_shares": {"holder": "mallory"},
    "report_files": {"n": 9},
    "report_exclusions": {"holder": "mallory"},
    "holder_keys": {"seq": 9, "id": uuid4(), "leaf": bytes(32)},
    "holders": {"username": "mallory"},
    "zrm_roots": {"day": DAY + timedelta(days=9), "leaf_hash": bytes(32)},
    "zrm_events": {"event_id": uuid4()},
}


@pytest.mark.parametrize("table", list(BY_NAME))
async def test_an_inserted_row(database: asyncpg.Connection, table: str) -> None:
    of, other = BY_NAME[table], INSERTED[table]
    row = (await _rows(database, of))[0]
    columns = [
        record[0]
        for record in await database.fetch(
            "SELECT column_name FROM information_schema.columns WHERE table_name = $1", table
        )
    ]
    made = {**{column: row[column] for column in columns}, **other}
    places = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    found = await _try(
        database,
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})",
        *(made[column] for column in columns),
    )
    _assert_named(found, of, {**row, **made}, {})


async def test_the_files_of_reports_are_what_was_kept(database: asyncpg.Connection, folder: Path) -> None:
    """A bit, an end, a piece more, none at all, two swapped: each file named, the cleaned copies, too."""
    store = FolderStore(folder / "evidence")
    assert await audit_evidence(database, store) == ([], 3)
    kept = [
        (f"n {row['n']}, {which}", folder / "evidence" / name[:2] / name)
        for row in await database.fetch("SELECT * FROM report_files ORDER BY n")
        for which, hash in (("original", row["original_sha256"]), ("cleaned copy", row["cleaned_sha256"]))
        if hash is not None and (name := hash.hex())
    ]
    whole = {place: place.read_bytes() for _, place in kept}
    for name, place in kept:
        data = whole[place]
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        wrongs = {"changed": flipped, "cut": data[:-1], "longer": data + b"\0", "removed": None}
        for what, wrong in wrongs.items():
            if wrong is None:
                place.unlink()
            else:
                place.write_bytes(wrong)
            (finding,) = (await audit_evidence(database, store))[0]
            assert (finding.table, name in finding.row, what in finding.fault) == ("evidence", True, True), finding
        place.write_bytes(data)
    (_, one), (_, other) = kept[0], kept[-1]
    one.write_bytes(whole[other])
    other.write_bytes(whole[one])
    assert len((await audit_evidence(database, store))[0]) == 2
    one.write_bytes(whole[one])
    other.write_bytes(whole[other])
    assert await audit_evidence(database, store) == ([], 3)
