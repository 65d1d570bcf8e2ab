"""Files under way."""

from shared.kit.migrate import run_sql
from shared.kit.uploads import UPLOADS_DDL

revision = "0004"
down_revision = "0001"


def upgrade() -> None:
    """Creates the table."""
    run_sql(UPLOADS_DDL)
