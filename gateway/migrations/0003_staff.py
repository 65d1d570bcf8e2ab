"""Staff accounts that are changed through the API, and the record of who changed or read what."""

from shared.kit.migrate import run_sql
from shared.kit.web.idempotency import IDEMPOTENCY_DDL

revision = "0003"
down_revision = "0002"

STAFF = """
-- version is the ETag and counts the account's events, 0 before it was ever told. password_until: until when a password
-- that somebody else knows is good for choosing another; NULL for one that its owner chose. confirmed: false while an
-- account of IRM waits for its second person; rest_sealed: the half of the password that this one is shown
ALTER TABLE staff
    ADD COLUMN version integer NOT NULL DEFAULT 0,
    ADD COLUMN password_until timestamptz,
    ADD COLUMN confirmed boolean NOT NULL DEFAULT true,
    ADD COLUMN rest_sealed text;
"""

AUDIT = """
-- changes: the fields changed, with their new values where these are roles and places; never a name or a secret
CREATE TABLE admin_audit (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    action text NOT NULL,
    subject text,
    changes jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX admin_audit_actor ON admin_audit (actor, id);
CREATE INDEX admin_audit_subject ON admin_audit (subject, id);
"""


def upgrade() -> None:
    """Adds the columns and tables."""
    run_sql(IDEMPOTENCY_DDL)
    run_sql(STAFF)
    run_sql(AUDIT)
