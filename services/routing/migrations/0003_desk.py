"""The desk deepened: clocks that strike."""

from shared.kit.migrate import run_sql

revision = "0003"
down_revision = "0001"

CLOCKS = """
-- term_days: working days of the term, extension included; escalation: how many levels were told; next_clock_at: when
-- the next one is, so that waiting is a row
ALTER TABLE cases
    ADD COLUMN term_days integer,
    ADD COLUMN escalation smallint NOT NULL DEFAULT 0,
    ADD COLUMN next_clock_at timestamptz;
UPDATE cases SET term_days = sla_days;
UPDATE cases SET next_clock_at = due_at WHERE status IN ('assigned', 'in_progress', 'reopened');
CREATE INDEX cases_clock ON cases (next_clock_at) WHERE next_clock_at IS NOT NULL;
CREATE INDEX cases_escalated ON cases (escalation, id DESC)
    WHERE escalation > 0 AND status IN ('assigned', 'in_progress', 'reopened');
"""


def upgrade() -> None:
    """Adds what each part of the desk needs."""
    run_sql(CLOCKS)
