"""Receipt codes of moved cases, until their citizens have fetched them."""

from shared.kit.migrate import run_sql

revision = "0007"
down_revision = "0006"

MOVED_RECEIPTS = """
-- a row's id and the key of its code come from a secret that only the citizen gets; it says of no case and no report
CREATE TABLE moved_receipts (
    id bytea PRIMARY KEY CHECK (length(id) = 32),
    code_sealed bytea NOT NULL,
    fetched boolean NOT NULL DEFAULT false,
    expires_at timestamptz NOT NULL
);
CREATE INDEX moved_receipts_expiry ON moved_receipts (expires_at);
"""


def upgrade() -> None:
    """Creates the table."""
    run_sql(MOVED_RECEIPTS)
