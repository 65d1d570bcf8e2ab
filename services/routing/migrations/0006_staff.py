"""Who works at the desk, as the gateway tells it; and a clock for cases in triage."""

from shared.kit.migrate import run_sql

revision = "0006"
down_revision = "0005"

STAFF = """
CREATE TABLE staff (
    username text PRIMARY KEY,
    roles text[] NOT NULL,
    department_id text,
    province text,
    active boolean NOT NULL,
    version integer NOT NULL
);
CREATE INDEX staff_department ON staff (department_id, username);
"""

TRIAGE = """
-- next_clock_at of a case in triage: when it comes before the centre; what waits there already comes up at once
UPDATE cases SET next_clock_at = registered_at WHERE status = 'registered' AND next_clock_at IS NULL;
"""


def upgrade() -> None:
    """Adds the table, and sets the clocks."""
    run_sql(STAFF)
    run_sql(TRIAGE)
