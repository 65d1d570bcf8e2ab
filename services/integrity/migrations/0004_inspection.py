"""What inspection needs of the reports' tables: a key that a grant was taken away from may get one again, and the
clocks find the reports that still run and what was missed before."""

from shared.kit.migrate import run_sql

revision = "0004"
down_revision = "0003"

INSPECTION = """
ALTER TABLE grants DROP CONSTRAINT grants_pkey;
ALTER TABLE grants ADD PRIMARY KEY (report_id, epoch, key_id, seq);
CREATE UNIQUE INDEX grants_in_force ON grants (report_id, epoch, key_id) WHERE revoked_seq IS NULL;

CREATE INDEX reports_running ON reports (id)
    WHERE state NOT IN ('out_of_scope', 'transferred', 'merged', 'outcome_told', 'closed');
CREATE INDEX report_steps_missed ON report_steps (report_id) WHERE type = 'clock_missed';
CREATE INDEX report_steps_openings ON report_steps (report_id, seq)
    WHERE type IN ('identity_asked', 'identity_given', 'recovery_asked', 'recovery_given', 'recovery_finished');
"""


def upgrade() -> None:
    """Creates everything."""
    run_sql(INSPECTION)
