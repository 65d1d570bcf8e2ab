"""Every kind of tampering with reports and holders' keys, on every column that a leaf covers: found, and named."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.integrity.audit import examine_reports
from services.integrity.auditing.findings import Finding
from shared.kit.migrate import upgrade
from tests.services.integrity.inspection.conftest import clear
from tests.services.integrity.offices import offices

NOT_COVERED = {
    "reports": {"version"},
    "holders": {"role", "province", "organisation_id", "name", "title", "active"},
}
"""What counts changes (the ETag), or repeats what the gateway's directory says."""


@dataclass(frozen=True)
class Table:
    """A table, its key, and the parts of a finding's name, over the row's columns and its report's number."""

    name: str
    key: tuple[str, ...]
    names: tuple[str, ...]


TABLES = (
    Table("reports", ("id",), ("id {id}", "{report_no}")),
    Table("report_steps", ("report_id", "seq"), ("report {report_no}, seq {seq}",)),
    Table("report_epochs", ("report_id", "epoch"), ("report {report_no}, epoch {epoch}",)),
    Table(
        "grants",
        ("report_id", "epoch", "key_id", "seq"),
        ("report {report_no}, epoch {epoch}, holder {holder}, key_id {key_id}", "report {report_no}, holder {holder}"),
    ),
    Table(
        "recovery_shares",
        ("report_id", "epoch", "among", "holder"),
        ("report {report_no}, epoch {epoch}, among {among_}, holder {holder}",),
    ),
    Table(
        "identity_shares", ("report_id", "among", "holder"), ("report {report_no}, among {among_}, holder {holder}",)
    ),
    Table("report_files", ("report_id", "n"), ("report {report_no}, n {n}",)),
    Table("report_exclusions", ("report_id", "holder"), ("report {report_no}, holder {holder}",)),
    Table("holder_keys", ("id",), ("holder {username}, seq {seq}", "holder {username}")),
    Table("holders", ("username",), ("holder {username}",)),
)
BY_NAME = {table.name: table for table in TABLES}


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
        upload = await office.upload(ann, b"%PDF-1.7\n" + bytes(100))
        await office.step(ann, id, type="triage", priority="high", admissible=True, note="پذیرفتنی است.")
        await office.step(ann, id, type="investigate", note="به شعبه می‌روم.")
        await office.step(ann, id, type="evidence", note="فیش", attachments=[upload])
        opened = await office.read(boss, id)
        await office.step(boss, id, type="assign", inspector="bob", **opened.regrant(bob.key.recipient))
        await office.step(bob, id, type="message", body="در چه تاریخی بود؟")
        for table in (*BY_NAME, "log_leaves"):
            for (name,) in await office.admin.fetch(
                "SELECT conname FROM pg_constraint WHERE conrelid = $1::text::regclass AND contype <> 'p'", table
            ):
                await office.admin.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name} CASCADE")
        await office.admin.execute("DROP INDEX grants_in_force")
        yield office.admin


@pytest.fixture
async def database(played: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """The same in a transaction that is rolled back."""
    transaction = played.transaction()
    await transaction.start()
    yield played
    await transaction.rollback()


async def _found(connection: asyncpg.Connection) -> list[Finding]:
    return await examine_reports(connection)


async def test_what_was_played_passes(database: asyncpg.Connection) -> None:
    assert await _found(database) == []
    for table in BY_NAME:
        assert await database.fetchval(f"SELECT count(*) FROM {table}"), table
    assert await database.fetchval("SELECT count(*) FROM grants WHERE revoked_seq IS NOT NULL")
    assert await database.fetchval("SELECT max(epoch) FROM report_epochs") > 1


async def _rows(connection: asyncpg.Connection, table: Table) -> list[dict[str, Any]]:
    """The first, a middle and the last row, with the number of the report that each belongs to."""
    rows = [dict(row) for row in await connection.fetch(f"SELECT * FROM {table.name} ORDER BY {', '.join(table.key)}")]
    numbers = {row["id"]: row["report_no"] for row in await connection.fetch("SELECT id, report_no FROM reports")}
    for row in rows:
        row.setdefault("report_no", numbers.get(row.get("report_id")))
        row["among_"] = "+".join(row.get("among", ()))
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


async def _covered(connection: asyncpg.Connection, table: Table) -> list[str]:
    columns = [
        row[0]
        for row in await connection.fetch(
            "SELECT column_name FROM information_schema.columns WHERE table_name = $1", table.name
        )
    ]
    return [column for column in columns if column not in NOT_COVERED.get(table.name, set())]


@pytest.mark.parametrize("table", list(BY_NAME))
async def test_a_changed_column(database: asyncpg.Connection, table: str) -> None:
    of = BY_NAME[table]
    for row in await _rows(database, of):
        for column in await _covered(database, of):
            if row[column] is None or column == "report_id":
                continue
            point = database.transaction()
            await point.start()
            changed = _another(row[column])
            if column == "registered_at":
                changed = row[column] + timedelta(hours=1)  # a leaf says the hour
            done = await database.execute(
                f"UPDATE {table} SET {column} = $1 WHERE {_where(of)}", changed, *(row[key] for key in of.key)
            )
            assert done == "UPDATE 1"
            found = await _found(database)
            await point.rollback()
            _assert_named(found, of, row, {column: changed})


@pytest.mark.parametrize("table", list(BY_NAME))
async def test_a_removed_row(database: asyncpg.Connection, table: str) -> None:
    of = BY_NAME[table]
    for row in await _rows(database, of):
        point = database.transaction()
        await point.start()
        done = await database.execute(f"DELETE FROM {table} WHERE {_where(of, 1)}", *(row[key] for key in of.key))
        assert done == "DELETE 1"
        found = await _found(database)
        await point.rollback()
        _assert_named(found, of, row, {})


INSERTED: dict[str, dict[str, Any]] = {
    "report_steps": {"seq": 999},
    "report_epochs": {"epoch": 9},
    "grants": {"epoch": 9},
    "recovery_shares": {"epoch": 9},
    "identity_shares": {"holder": "mallory"},
    "report_files": {"n": 9},
    "report_exclusions": {"holder": "mallory"},
    "holder_keys": {"seq": 9},
}


@pytest.mark.parametrize("table", list(INSERTED))
async def test_an_inserted_row(database: asyncpg.Connection, table: str) -> None:
    of, other = BY_NAME[table], INSERTED[table]
    row = (await _rows(database, of))[0]
    columns = [column for column in row if column not in ("report_no", "among_")]
    made = {**{column: row[column] for column in columns}, **other}
    if table == "holder_keys":
        made["id"] = _another(row["id"])
        made["leaf"] = bytes(32)
    places = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    await database.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", *(made[column] for column in columns)
    )
    _assert_named(await _found(database), of, {**row, **made}, {})
