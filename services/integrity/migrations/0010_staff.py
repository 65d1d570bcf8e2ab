"""Who of the staff may hold a key, as the gateway tells it."""

from shared.kit.migrate import run_sql

revision = "0010"
down_revision = "0009"

STAFF = """
CREATE TABLE staff (
    username text PRIMARY KEY,
    roles text[] NOT NULL,
    active boolean NOT NULL,
    version integer NOT NULL
);
"""


def upgrade() -> None:
    """Creates the table."""
    run_sql(STAFF)
