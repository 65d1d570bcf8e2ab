"""The classifier: its promoted models, nightly refits and drift, a second category, and the sample people check."""

from shared.kit.migrate import run_sql

revision = "0002"
down_revision = "0001"

CLASSIFIER = """
-- another topic that a part of the text is about
ALTER TABLE cases ADD COLUMN second_category_id text;

-- models refitted from officers' decisions; the newest promoted one is in use, older ones lose their content
CREATE TABLE classifier_models (
    sha256 text PRIMARY KEY,
    version text NOT NULL,
    content bytea,
    promoted_at timestamptz
);
ALTER TABLE classifier_models ALTER COLUMN content SET STORAGE EXTERNAL;

-- a row a night: what was learnt from, what it was judged by, and whether the new model won
CREATE TABLE classifier_refits (
    day date PRIMARY KEY,
    begun_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    learnt integer,
    judged integer,
    current_right double precision,
    candidate_right double precision,
    candidate text,
    promoted boolean
);
CREATE INDEX cases_decided_at ON cases (decided_at, id) WHERE decided_at IS NOT NULL;

CREATE TABLE classifier_drift (
    day date PRIMARY KEY,
    cases integer NOT NULL,
    abstained double precision NOT NULL,
    confidence double precision NOT NULL,
    psi double precision,
    model text NOT NULL
);

-- a random few of the cases that a machine decided, for the centre to check; the case itself goes its way meanwhile
CREATE TABLE audit_samples (
    case_id uuid PRIMARY KEY REFERENCES cases,
    at timestamptz NOT NULL DEFAULT now(),
    method text NOT NULL,
    department_id text NOT NULL,
    category_id text,
    confidence double precision NOT NULL,
    model text NOT NULL,
    right_category_id text REFERENCES categories,
    checked_by text,
    checked_at timestamptz
);
CREATE INDEX audit_samples_open ON audit_samples (case_id) WHERE checked_at IS NULL;
"""


def upgrade() -> None:
    """Adds what the classifier keeps."""
    run_sql(CLASSIFIER)
