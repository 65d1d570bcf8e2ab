"""With what the citizens of moved cases fetch the receipt codes of the reports that were made of them."""

from shared.kit.migrate import run_sql

revision = "0003"
down_revision = "0002"

CLAIMS = """
CREATE TABLE moved_claims (
    case_id uuid PRIMARY KEY,
    claim_sealed text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX moved_claims_expiry ON moved_claims (expires_at);
"""


def upgrade() -> None:
    """Creates the table."""
    run_sql(CLAIMS)
