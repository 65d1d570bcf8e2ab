"""Brings a service's database to its newest shape: ``python -m shared.kit.migrate services.intake``.

A migration is ``<package>/migrations/NNNN_what.py`` in Alembic's form, and calls ``run_sql`` with plain SQL.
"""

import sys
from pathlib import Path

from alembic import command, op
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.util import await_only

from shared.kit.settings import ServiceSettings

ROOT = Path(__file__).resolve().parents[2]


def upgrade(package: str, dsn: str) -> None:
    """Runs the open migrations of ``package`` (``services.intake``) on ``dsn``, in one transaction and under a lock,
    so that several processes may start at once and an interrupted migration leaves nothing behind."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "shared" / "kit" / "migrations"))
    config.set_main_option("version_locations", str(ROOT.joinpath(*package.split("."), "migrations")))
    config.set_main_option("path_separator", "os")
    config.attributes["dsn"] = dsn
    command.upgrade(config, "head")


def run_sql(script: str) -> None:
    """Runs several SQL statements, as they stand, inside a migration (asyncpg prepares only one at a time)."""
    bind = op.get_bind()
    bind.execute(text("SELECT 1"))  # opens the transaction that the script then runs in
    connection = bind.connection.driver_connection
    if connection is None:
        raise RuntimeError("a migration runs on a live connection only")
    await_only(connection.execute(script))


def main() -> None:
    """The command line: the package's name; the database comes from the environment."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m shared.kit.migrate services.<name> | gateway")
    package = sys.argv[1]
    upgrade(package, ServiceSettings().postgres_dsn(package.rpartition(".")[2]))


if __name__ == "__main__":
    main()
