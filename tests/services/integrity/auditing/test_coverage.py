"""That every table of the database is covered by an audit, or stands on the list of those that need not be."""

import asyncio

import asyncpg

from shared.kit.migrate import upgrade
from tests.services.integrity.auditing.coverage import LOG, NOT_COVERED, NOT_COVERED_TABLES, REPORTS

_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""


async def test_every_table_has_a_rule(postgres_database: str) -> None:
    await asyncio.to_thread(upgrade, "services.integrity", postgres_database)
    connection = await asyncpg.connect(postgres_database)
    try:
        tables = {row[0] for row in await connection.fetch(_TABLES)}
        columns = {
            (row[0], row[1])
            for row in await connection.fetch(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            )
        }
    finally:
        await connection.close()
    covered = {table.name for table in (*LOG, *REPORTS)}
    assert tables == covered | NOT_COVERED_TABLES.keys(), "a table without a rule, or a rule without a table"
    assert not covered & NOT_COVERED_TABLES.keys()
    for table, excused in NOT_COVERED.items():
        assert {(table, column) for column in excused} <= columns
