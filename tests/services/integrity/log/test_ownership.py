import asyncpg
import pytest

from services.integrity.log.chain import new_leaf, record
from services.integrity.log.ownership import SEQUENCER, SERVICE, TABLES
from shared.kit.db import Database
from tests.services.integrity.logs import AT, Chains

_ALL = {"INSERT", "UPDATE", "DELETE", "TRUNCATE"}


_ADDS = {
    SERVICE: {"log_leaves", "zrm_events", "zrm_roots"},
    SEQUENCER: {"log_entries", "log_tiles", "log_checkpoints", "log_cosignatures"},
}


@pytest.mark.parametrize(
    ("role", "table", "allowed"),
    [(role, table, {"INSERT"} if table in _ADDS[role] else set()) for role in _ADDS for table in TABLES],
)
async def test_who_may_do_what_to_the_log(role: str, table: str, allowed: set[str], admin: asyncpg.Connection) -> None:
    found = {what for what in _ALL if await admin.fetchval("SELECT has_table_privilege($1, $2, $3)", role, table, what)}
    assert found == allowed
    assert await admin.fetchval("SELECT has_table_privilege($1, $2, 'SELECT')", role, table)


async def test_a_nonce_is_taken_away_only_in_a_chain_that_says_so(
    admin: asyncpg.Connection, database: Database, ledger: Database
) -> None:
    made = [recorded for chain in ("R-1", "R-2") for recorded in await Chains(database).add(chain)]
    leaves = [recorded.hash for recorded in made]
    async with database.transaction() as connection:
        end = new_leaf(
            chain="R-1",
            seq=2,
            type="forgotten",
            at=AT,
            actor="system",
            ciphertext=b"",
            previous=made[0].hash,
        )
        await record(connection, end)
    for source, may in ((ledger, False), (database, True)):
        connected = await source.direct()
        try:
            for chain in ("R-1", "R-2"):
                if may:
                    await connected.execute("SELECT forget_nonces($1, $2)", chain, [*leaves, end.hash])
                else:
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await connected.execute("SELECT forget_nonces($1, $2)", chain, leaves)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connected.execute("DROP FUNCTION forget_nonces")
        finally:
            await connected.close()
    kept = await admin.fetch("SELECT hash FROM log_leaves WHERE nonce IS NOT NULL ORDER BY id")
    assert [row["hash"] for row in kept] == [made[1].hash, end.hash]


async def test_neither_role_changes_or_drops_what_stands_in_the_log(database: Database, ledger: Database) -> None:
    for source in (database, ledger):
        connection = await source.direct()
        try:
            for table in TABLES:
                for statement in (
                    f"DELETE FROM {table}",
                    f"TRUNCATE {table} CASCADE",
                    f"DROP TABLE {table} CASCADE",
                    f"ALTER TABLE {table} DISABLE TRIGGER ALL",
                    f"ALTER TABLE {table} RENAME TO gone",
                    f"ALTER TABLE {table} OWNER TO CURRENT_USER",
                ):
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await connection.execute(statement)
            for statement in (
                "UPDATE log_entries SET leaf = ''",
                "UPDATE log_checkpoints SET note = ''",
                "UPDATE log_cosignatures SET line = ''",
                "UPDATE log_leaves SET nonce = NULL",
                "UPDATE log_leaves SET leaf = ''",
                "DROP SCHEMA public CASCADE",
                "ALTER SCHEMA public OWNER TO CURRENT_USER",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
        finally:
            await connection.close()
