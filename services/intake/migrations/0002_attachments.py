"""Files under way, and the files of cases."""

from shared.kit.migrate import run_sql
from shared.kit.uploads import UPLOADS_DDL

revision = "0002"
down_revision = "0001"

ATTACHMENTS = """
-- what was claimed; the files themselves lie, sealed, where sha256 finds them
CREATE TABLE attachments (
    case_id uuid NOT NULL,
    n integer NOT NULL CHECK (n > 0),
    message_id uuid,
    media_type text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    name_sealed text NOT NULL,
    PRIMARY KEY (case_id, n)
);
"""


def upgrade() -> None:
    """Creates both tables."""
    run_sql(UPLOADS_DDL)
    run_sql(ATTACHMENTS)
