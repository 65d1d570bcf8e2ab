"""Who is named in a report, among those who held a key when it was filed: they never get its keys."""

from shared.kit.migrate import run_sql

revision = "0008"
down_revision = "0007"

EXCLUSIONS = """
-- ids of holders and nothing of what is said of them; "seq": the step that brought the row, whose leaf covers it
CREATE TABLE report_exclusions (
    report_id uuid NOT NULL REFERENCES reports,
    holder text NOT NULL,
    seq integer NOT NULL,
    PRIMARY KEY (report_id, holder)
);
"""


def upgrade() -> None:
    """Creates the table."""
    run_sql(EXCLUSIONS)
