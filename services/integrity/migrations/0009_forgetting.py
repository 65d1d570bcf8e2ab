"""Forgetting who filed a report: its identity may go, and the nonces of leaves, of a chain alone that says so. And the
sweeper of files finds a file's row by its hash."""

from shared.kit.migrate import run_sql

revision = "0009"
down_revision = "0008"

FORGETTING = """
-- the identity goes when its reporter is forgotten; that it went for nothing else, the audit says
ALTER TABLE reports DROP CONSTRAINT reports_check;
ALTER TABLE reports ADD CONSTRAINT reports_identity CHECK (identity_sealed IS NULL OR mode <> 'anonymous');
CREATE INDEX report_steps_forgotten ON report_steps (report_id) WHERE type = 'forgotten';

-- of those leaves the ones before a leaf of their chain that says so; the tables of the log are not the service's own
CREATE FUNCTION forget_nonces(of_chain text, leaves bytea[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE public.log_leaves l SET nonce = NULL
    WHERE l.chain = of_chain AND l.hash = ANY (leaves) AND EXISTS (
        SELECT FROM public.log_leaves f
        WHERE f.chain = of_chain AND f.seq > l.seq AND position('"type":"forgotten"'::bytea IN f.leaf) > 0
    )
$$;
REVOKE ALL ON FUNCTION forget_nonces(text, bytea[]) FROM PUBLIC;

CREATE INDEX report_files_original ON report_files (original_sha256);
CREATE INDEX report_files_cleaned ON report_files (cleaned_sha256);
"""


def upgrade() -> None:
    """Creates everything."""
    run_sql(FORGETTING)
