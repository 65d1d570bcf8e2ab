"""The chassis' tables."""

from shared.kit.migrate import run_sql
from shared.kit.schema import chassis_ddl

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates everything."""
    run_sql(chassis_ddl())
