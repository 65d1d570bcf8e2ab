"""What the gateway saw of the transparency log, as a witness."""

from shared.kit.migrate import run_sql
from shared.kit.tlog.keeping import WITNESS_SEEN

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Creates the table."""
    run_sql(WITNESS_SEEN)
