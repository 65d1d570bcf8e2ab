"""``python -m services.integrity.forget REPORT_NO --reason …``: forgets who filed a report that has ended.

For whoever runs the service, on a written order (``docs/runbooks/forget-a-reporter.md``): by the database and the keys
that the environment names. The reason is sealed to the report's readers and the custodians; write the order's number,
never a name. It cannot be undone. Exit code 0: done; 1: refused, and nothing was changed; 2: the database did not let
it.
"""

import argparse
import asyncio
import sys

from sqlalchemy.exc import SQLAlchemyError

from services.integrity.forgetting.domain import Refusal
from services.integrity.forgetting.service import forget_reporter
from services.integrity.keys import IntegrityKeys
from services.integrity.settings import IntegritySettings
from shared.kit.db import Database
from shared.persian.identifiers import IdentifierError, tracking_code

_DONE = (
    "forgotten: name, number and the shares of their key, the box and what the receipt code opened it by, and the"
    " nonces of what the reporter did. The report stays, and the log is whole: 'make audit' says so.\n"
)


async def _forget(report_no: str, reason: str, dsn: str | None) -> Refusal | None:
    settings = IntegritySettings()
    database = Database.connect(dsn or settings.postgres_dsn("integrity"), pool_size=1)
    try:
        async with database.transaction() as connection:
            return await forget_reporter(connection, report_no, reason, IntegrityKeys.load(settings))
    finally:
        await database.close()


def main() -> int:
    """The command line; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m services.integrity.forget", description="Forgets who filed a report that has ended."
    )
    parser.add_argument("report_no", help="the report's number")
    parser.add_argument("--reason", required=True, help="the number of the written order; no name")
    parser.add_argument("--dsn", help="instead of the service's own role and database")
    options = parser.parse_args()
    try:
        refused = asyncio.run(_forget(tracking_code(options.report_no), options.reason, options.dsn))
    except IdentifierError:
        refused = Refusal.UNKNOWN
    except (OSError, SQLAlchemyError) as error:
        sys.stderr.write(f"NOT DONE: the database did not let it ({type(error).__name__})\n")
        return 2
    sys.stdout.write(f"refused: {refused.value}\n" if refused else _DONE)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
