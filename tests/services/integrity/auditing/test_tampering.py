"""Every kind of tampering, on every column of every table of the log: found, and the row named."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.keys import WITNESSES
from services.integrity.audit import Audit, examine_log, tell, under_way
from services.integrity.auditing.findings import Finding
from services.integrity.log import repository
from services.integrity.log import sequencer as sequencing
from services.integrity.log.keys import LogKeys
from services.integrity.log.ownership import SEQUENCER, SERVICE
from services.integrity.log.sequencer import Sequencer
from shared.kit.db import Database
from shared.kit.tlog.cosignature import COSIGNATURE, Cosigner
from shared.kit.tlog.notes import Note, SigningKey
from tests.services.integrity.auditing.coverage import LOG, Table, columns_of, disarm
from tests.services.integrity.logs import Chains, as_role

SIZE = 600


BY_NAME = {table.name: table for table in LOG}


@pytest.fixture(scope="module")
async def built(dsn: str, folder: Path) -> AsyncIterator[asyncpg.Connection]:
    """A log of ``SIZE`` leaves with five checkpoints, all countersigned; the administrator's connection to it."""
    keys, admin = LogKeys.load(folder), await asyncpg.connect(dsn)
    database, ledger = Database.connect(as_role(dsn, SERVICE)), Database.connect(as_role(dsn, SEQUENCER))
    chains = Chains(database)
    for n in range(SIZE // 4):
        await chains.add(f"R-{n}", f"R-{n % 7}", f"R-{n}", f"H-{n}")
    connection = await ledger.direct()
    sequencer = Sequencer(service=database, ledger=ledger, keys=keys, witnesses={})
    await sequencer.begin(connection)
    with pytest.MonkeyPatch.context() as patch:
        for batch in (3, 253, 300, 44):
            patch.setattr(sequencing, "BATCH", batch)
            assert await sequencer.append(connection) == batch
    await connection.close()
    for service, name in WITNESSES.items():
        cosigner = Cosigner(SigningKey.parse((folder / f"witness-{service}.skey").read_text(), COSIGNATURE))
        for row in await admin.fetch("SELECT size, note FROM log_checkpoints ORDER BY size"):
            line = str(cosigner.sign(Note.parse(row["note"]).text, 1_764_000_000))
            async with ledger.transaction() as connected:
                await repository.add_cosignature(connected, row["size"], name, line)
    await database.close()
    await ledger.close()
    await disarm(admin, LOG)
    yield admin
    await admin.close()


@pytest.fixture
async def log(built: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """That log, in a transaction that is rolled back; whoever tampers has left no constraint but the keys."""
    transaction = built.transaction()
    await transaction.start()
    yield built
    await transaction.rollback()


async def _found(connection: asyncpg.Connection, keys: LogKeys) -> list[Finding]:
    seen = await examine_log(connection, keys.policy)
    return [*seen.findings, *await under_way(connection, keys.policy, seen.leaves)]


async def _rows(connection: asyncpg.Connection, table: Table) -> list[dict[str, Any]]:
    rows = await connection.fetch(f"SELECT * FROM {table.name} ORDER BY {', '.join(table.key)}")
    return [dict(rows[place]) for place in sorted({0, 1, len(rows) // 2, len(rows) - 1})]


def _where(table: Table, row: dict[str, Any]) -> str:
    return " AND ".join(f"{key} = {_literal(row[key])}" for key in table.key)


def _literal(value: object) -> str:
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'::bytea"
    return "NULL" if value is None else f"'{value!s}'"


def _assert_named(found: Sequence[Finding], table: Table, *rows: dict[str, Any]) -> None:
    """Each row is named, by what it was or, where its key is what was changed (``now``), by what it is."""
    for row in rows:
        names = [name.format(**known) for name in table.names for known in (row, {**row, **row.get("now", {})})]
        assert any(
            finding.table == table.name and any(finding.row.startswith(name) or name in finding.row for name in names)
            for finding in found
        ), (names, [str(finding) for finding in found][:20])


async def _each(connection: asyncpg.Connection, keys: LogKeys, table: Table, tamperings: Sequence[Any]) -> None:
    """Does each (statement, the rows to be named), looks, and undoes it."""
    for statement, rows in tamperings:
        point = connection.transaction()
        await point.start()
        done = await connection.execute(statement)
        assert done.endswith(" 1") or done.endswith(" 2"), (statement, done)
        found = await _found(connection, keys)
        await point.rollback()
        _assert_named(found, table, *rows)


def _flipped(value: Any) -> list[Any]:
    """The value with one bit changed, at several places."""
    if value is None:
        return []
    if isinstance(value, int):
        return [value ^ 1 << 12]
    raw = value if isinstance(value, bytes) else value.encode()
    changed = [raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :] for at in sorted({0, len(raw) // 2, len(raw) - 2})]
    return changed if isinstance(value, bytes) else [text.decode() for text in changed if _is_text(text)]


def _is_text(raw: bytes) -> bool:
    try:
        return "\0" not in raw.decode()
    except UnicodeDecodeError:
        return False


async def test_a_whole_log_passes(log: asyncpg.Connection, keys: LogKeys) -> None:
    seen = await examine_log(log, keys.policy)
    said: list[str] = []
    assert (seen.findings, seen.leaves, seen.checkpoints) == ([], SIZE, 5)
    assert await under_way(log, keys.policy, seen.leaves) == set()
    assert tell(seen, 1.0, said.append) == 0
    assert said == ["not read: the files of reports", f"{SIZE} leaves, 5 checkpoints in 1.0 s: nothing is wrong"]


@pytest.mark.parametrize("table", list(BY_NAME))
async def test_one_flipped_bit(log: asyncpg.Connection, keys: LogKeys, table: str) -> None:
    """In every column that the table has."""
    of = BY_NAME[table]
    await _each(
        log,
        keys,
        of,
        [
            (
                f"UPDATE {table} SET {column} = {_literal(value)} WHERE {_where(of, row)}",
                [{**row, "now": {column: value}}],
            )
            for column in await columns_of(log, table)
            for row in await _rows(log, of)
            for value in _flipped(row[column])
        ],
    )


async def test_ids_of_leaves_keep_their_order(log: asyncpg.Connection, keys: LogKeys) -> None:
    """The number alone says nothing; in which order leaves waited is part of what the log did."""
    first, second = (dict(row) for row in await log.fetch("SELECT * FROM log_leaves WHERE index IN (10, 20)"))
    one, other = first["id"], second["id"]
    moved = f"UPDATE log_leaves SET id = id + 100000 WHERE id = {one}"
    swapped = "".join(
        f"UPDATE log_leaves SET id = {new} WHERE id = {old};" for old, new in ((one, 0), (other, one), (0, other))
    )
    for statement, named in ((moved, [first]), (swapped, [first, second])):
        point = log.transaction()
        await point.start()
        await log.execute(statement)
        found = await _found(log, keys)
        await point.rollback()
        for row in named:
            assert any(f"chain {row['chain']}, seq {row['seq']})" in finding.row for finding in found), found


@pytest.mark.parametrize("table", list(BY_NAME))
async def test_all_rows_removed(log: asyncpg.Connection, keys: LogKeys, table: str) -> None:
    point = log.transaction()
    await point.start()
    await log.execute(f"DELETE FROM {table}")
    found = await _found(log, keys)
    await point.rollback()
    assert table in {finding.table for finding in found}


@pytest.mark.parametrize("table", list(BY_NAME))
async def test_a_removed_row(log: asyncpg.Connection, keys: LogKeys, table: str) -> None:
    of = BY_NAME[table]
    await _each(
        log, keys, of, [(f"DELETE FROM {table} WHERE {_where(of, row)}", [row]) for row in await _rows(log, of)]
    )


@pytest.mark.parametrize(
    ("table", "column"),
    [
        *(("log_entries", column) for column in ("hash", "leaf")),
        *(("log_leaves", column) for column in ("hash", "leaf", "nonce", "previous")),
        *(("log_tiles", "hashes"), ("log_checkpoints", "note"), ("log_cosignatures", "line")),
    ],
)
async def test_a_cut_and_a_lengthened_row(log: asyncpg.Connection, keys: LogKeys, table: str, column: str) -> None:
    of = BY_NAME[table]
    wrong = []
    for row in await _rows(log, of):
        value = row[column]
        if value is not None:
            cut, longer = value[:-1], value + (b"\0" if isinstance(value, bytes) else "=")
            for changed in (cut, longer, value[:0]):
                wrong.append((f"UPDATE {table} SET {column} = {_literal(changed)} WHERE {_where(of, row)}", [row]))
    await _each(log, keys, of, wrong)


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("log_entries", ("hash", "leaf")),
        ("log_entries", ("leaf",)),
        ("log_leaves", ("index",)),
        ("log_leaves", ("nonce",)),
        ("log_leaves", ("chain", "seq", "previous")),
        ("log_leaves", ("hash", "leaf", "nonce")),
        ("log_tiles", ("hashes",)),
        ("log_checkpoints", ("note",)),
        ("log_cosignatures", ("line",)),
        ("log_cosignatures", ("size",)),
    ],
)
async def test_two_rows_swapped(log: asyncpg.Connection, keys: LogKeys, table: str, columns: tuple[str, ...]) -> None:
    of = BY_NAME[table]
    if table == "log_cosignatures":
        await log.execute("ALTER TABLE log_cosignatures DROP CONSTRAINT log_cosignatures_pkey")
    first, second = (await _rows(log, of))[1:3]
    sets = ", ".join(
        f"{column} = CASE WHEN {_where(of, first)} THEN {_literal(second[column])}"
        f" ELSE {_literal(first[column])} END{'::bytea' if isinstance(first[column] or second[column], bytes) else ''}"
        if not isinstance(first[column], int)
        else f"{column} = CASE WHEN {_where(of, first)} THEN {second[column]} ELSE {first[column]} END"
        for column in columns
    )
    statement = f"UPDATE {table} SET {sets} WHERE ({_where(of, first)}) OR ({_where(of, second)})"
    await _each(log, keys, of, [(statement, [first, second])])


INSERTIONS = {
    "log_entries": (
        f"INSERT INTO log_entries (index, hash, leaf) SELECT {SIZE}, sha256('\\x00'::bytea || 'x'), 'x'",
        {"index": SIZE},
    ),
    "log_leaves": (
        "INSERT INTO log_leaves (chain, seq, hash, leaf, nonce, index) OVERRIDING SYSTEM VALUE"
        " SELECT 'R-new', 1, sha256('\\x00'::bytea || leaf || 'x'), leaf || 'x', nonce, NULL FROM log_leaves"
        " WHERE id = 1",
        {"id": SIZE + 1, "index": None},
    ),
    "log_tiles": (
        "INSERT INTO log_tiles (level, index, hashes) SELECT 2, 0, hashes FROM log_tiles WHERE level = 1",
        {"level": 2, "index": 0},
    ),
    "log_checkpoints": (
        "INSERT INTO log_checkpoints (size, previous, note) SELECT 100, NULL, note FROM log_checkpoints WHERE size = 3",
        {"size": 100},
    ),
    "log_cosignatures": (
        "INSERT INTO log_cosignatures (size, witness, n, line) SELECT 999, witness, 6, line FROM log_cosignatures"
        " WHERE n = 5 LIMIT 1",
        {"size": 999, "witness": next(iter(WITNESSES.values())), "n": 6},
    ),
}


@pytest.mark.parametrize("table", list(BY_NAME))
async def test_an_inserted_row(log: asyncpg.Connection, keys: LogKeys, table: str) -> None:
    statement, row = INSERTIONS[table]
    await _each(log, keys, BY_NAME[table], [(statement, [row])])


async def test_a_leaf_changed_in_all_its_places_at_once_is_shown_by_the_signed_root(
    log: asyncpg.Connection, keys: LogKeys
) -> None:
    """What only who holds the whole database can do: the leaf in both tables, the tiles above, all hashes."""
    await log.execute(
        "UPDATE log_entries SET leaf = convert_to(replace(convert_from(leaf, 'UTF8'), 'registered', 'reported'),"
        " 'UTF8') WHERE index = 0"
    )
    await log.execute("UPDATE log_entries SET hash = sha256('\\x00'::bytea || leaf) WHERE index = 0")
    await log.execute(
        "UPDATE log_leaves l SET leaf = e.leaf, hash = e.hash FROM log_entries e WHERE e.index = 0 AND l.index = 0"
    )
    await log.execute(
        "UPDATE log_tiles SET hashes = (SELECT hash FROM log_entries WHERE index = 0) || substring(hashes FROM 33)"
        " WHERE level = 0 AND index = 0"
    )
    found = await _found(log, keys)
    assert any("index 0 to 2" in finding.row and "not what was signed" in finding.fault for finding in found)


@pytest.mark.parametrize("kept", [0, 3, 256, 556])
async def test_a_log_cut_at_its_end_is_whole_to_itself_and_only_the_witnesses_know(
    log: asyncpg.Connection, keys: LogKeys, kept: int
) -> None:
    await log.execute(f"DELETE FROM log_leaves WHERE index >= {kept}")
    await log.execute(f"DELETE FROM log_entries WHERE index >= {kept}")
    await log.execute(f"DELETE FROM log_checkpoints WHERE size > {kept}")
    await log.execute(f"DELETE FROM log_cosignatures WHERE size > {kept}")
    await log.execute(f"DELETE FROM log_tiles WHERE level = 0 AND index * 256 >= {kept} OR level = 1 AND {kept} < 256")
    await log.execute(
        f"UPDATE log_tiles SET hashes = substring(hashes FOR (({kept} >> (8 * level)) - index * 256)::int * 32)"
        f" WHERE ({kept} >> (8 * level)) < (index + 1) * 256"
    )
    assert await _found(log, keys) == []  # tests/services/integrity/test_audit.py asks the witnesses


def test_many_findings_are_counted() -> None:
    said: list[str] = []
    seen = Audit(leaves=5, findings=[Finding("t", str(n), "x") for n in range(1500)], silent=["w"])
    assert tell(seen, 0.1, said.append) == 1
    assert said[1000] == "… and 500 more"
    assert said[-1].endswith("1,500 FINDINGS")
