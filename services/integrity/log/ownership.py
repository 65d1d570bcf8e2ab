"""Who may do what to the log's tables, given by the database's administrator after the migrations.

Whoever owns a table may change it whatever else is granted, so the service's role does not own these: it adds leaves
and reads. The sequencer has a role of its own that adds entries, and changes no entry, checkpoint or countersignature;
it may put an event into the service's outbox, and read none.
The administrator still can; ``services.integrity.audit`` and the witnesses show it.
"""

import asyncpg

SERVICE = "seda_integrity"
SEQUENCER = "seda_integrity_log"
OWNER = "seda_integrity_owner"
"""The roles: the service's, the sequencer's, and one that nobody logs in as."""

TABLES = (
    "log_leaves",
    "log_entries",
    "log_tiles",
    "log_checkpoints",
    "log_cosignatures",
    "zrm_events",
    "zrm_roots",
)

_HANDOVER = "".join(
    [
        # whoever owns the schema may drop what is in it
        f"ALTER SCHEMA public OWNER TO {OWNER};",
        f"GRANT USAGE, CREATE ON SCHEMA public TO {SERVICE};",
        f"GRANT CONNECT ON DATABASE %(database)s TO {SEQUENCER};",
        *(
            f"ALTER TABLE {table} OWNER TO {OWNER};"
            f"REVOKE ALL ON {table} FROM {SERVICE}, {SEQUENCER};"
            f"GRANT SELECT ON {table} TO {SERVICE}, {SEQUENCER};"
            for table in TABLES
        ),
        f"GRANT INSERT, REFERENCES ON log_leaves TO {SERVICE};",
        f"GRANT INSERT ON zrm_events, zrm_roots TO {SERVICE};",
        f"GRANT UPDATE (index) ON log_leaves TO {SEQUENCER};",
        f"GRANT INSERT ON log_entries, log_checkpoints, log_cosignatures, log_tiles TO {SEQUENCER};",
        # what it tells, with the checkpoint that it tells of
        f"GRANT INSERT ON outbox TO {SEQUENCER};",
        f"GRANT UPDATE (hashes) ON log_tiles TO {SEQUENCER};",
        # takes nonces away, of chains whose leaf says so, and can do nothing else
        f"ALTER FUNCTION forget_nonces(text, bytea[]) OWNER TO {OWNER};",
        f"REVOKE ALL ON FUNCTION forget_nonces(text, bytea[]) FROM PUBLIC, {SERVICE};",
        f"GRANT EXECUTE ON FUNCTION forget_nonces(text, bytea[]) TO {SERVICE};",
    ]
)


async def hand_over(connection: asyncpg.Connection) -> None:
    """Sets owners and rights in the migrated database of ``connection``, a superuser's; repeating it is harmless.

    The three roles exist.
    """
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    async with connection.transaction():
        await connection.execute(_HANDOVER.replace("%(database)s", database))
