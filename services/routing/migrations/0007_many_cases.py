"""The desk with a million cases: lists and searches that read little more than what they show."""

from shared.kit.migrate import run_sql

revision = "0007"
down_revision = "0006"

LISTS = """
-- with all that a list is filtered by: the rows that a filter leaves out are not read
DROP INDEX cases_desk;
DROP INDEX cases_desk_province;
DROP INDEX cases_category;
DROP INDEX cases_pending;
CREATE INDEX cases_desk ON cases (department_id, id)
    INCLUDE (status, due_at, category_id, province, kind, assignee, escalation, restricted);
CREATE INDEX cases_desk_province ON cases (department_id, province, id)
    INCLUDE (status, due_at, category_id, kind, assignee, escalation, restricted);
CREATE INDEX cases_category ON cases (category_id, id)
    INCLUDE (status, due_at, department_id, province, kind, assignee, escalation, restricted);
CREATE INDEX cases_pending ON cases (department_id, id)
    INCLUDE (status, due_at, category_id, province, kind, assignee, escalation, restricted) WHERE decision IS NOT NULL;
-- a status by its date; what has no date comes as the latest
CREATE INDEX cases_due ON cases (status, coalesce(due_at, 'infinity'::timestamptz), id)
    INCLUDE (due_at, department_id, category_id, province, kind, assignee, escalation, restricted);
-- what other indexes do as well
DROP INDEX cases_triage;
DROP INDEX cases_decided_at;
"""

SEARCH = """
-- a word of one department, of its part in a province, or of a time is looked for there only: the first five digits of
-- a UUIDv7 are about three days
CREATE EXTENSION IF NOT EXISTS btree_gin;
DROP INDEX cases_words;
DROP INDEX cases_spaceless;
CREATE INDEX cases_words ON cases USING gin (department_id, province, left(id::text, 5), words);
CREATE INDEX cases_spaceless ON cases
    USING gin (department_id, province, left(id::text, 5), spaceless gin_trgm_ops);
"""

VACUUM = """
-- an index alone answers only for pages that are known to be visible to all: keep them known, and soon
ALTER TABLE cases SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);
"""

LOOKS = """
-- what the detector found so far in a month that is not closed, and when; its findings as they will stand in
-- review_findings
CREATE TABLE review_looks (
    month text PRIMARY KEY REFERENCES jalali_months,
    at timestamptz NOT NULL,
    history integer NOT NULL,
    findings jsonb NOT NULL
);
"""


def upgrade() -> None:
    """Makes the indexes anew, and a table."""
    run_sql(LISTS)
    run_sql(SEARCH)
    run_sql(VACUUM)
    run_sql(LOOKS)
