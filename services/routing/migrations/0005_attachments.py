"""The files of cases, as intake tells of them."""

from shared.kit.migrate import run_sql

revision = "0005"
down_revision = "0004"

ATTACHMENTS = """
-- their names stay with intake; the files themselves lie, sealed, where sha256 finds them
CREATE TABLE attachments (
    case_id uuid NOT NULL,
    n integer NOT NULL CHECK (n > 0),
    media_type text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (case_id, n)
);
"""


def upgrade() -> None:
    """Creates the table."""
    run_sql(ATTACHMENTS)
