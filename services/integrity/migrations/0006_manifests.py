"""Each step keeps the manifest that its leaf covers, so that an audit can say which row was changed."""

from shared.kit.migrate import run_sql

revision = "0006"
down_revision = "0005"

MANIFESTS = """
ALTER TABLE report_steps ADD COLUMN manifest bytea NOT NULL DEFAULT '';
ALTER TABLE report_steps ALTER COLUMN manifest DROP DEFAULT;
"""


def upgrade() -> None:
    """Adds the column."""
    run_sql(MANIFESTS)
