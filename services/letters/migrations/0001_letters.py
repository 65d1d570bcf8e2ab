"""The letters, their numbers, and to whom they go."""

from shared.kit.migrate import run_sql
from shared.kit.schema import chassis_ddl

revision = "0001"
down_revision = None

LETTERS = """
-- to whom a case's letters go: name and address, sealed
CREATE TABLE recipients (
    case_id uuid PRIMARY KEY,
    tracking_code text NOT NULL,
    citizen_id uuid,
    language text NOT NULL,
    kind text NOT NULL,
    registered_at timestamptz NOT NULL,
    contact_sealed text NOT NULL,
    sequence integer NOT NULL
);

-- one row a year and office; taken in the letter's own transaction, so that a failure spends no number
CREATE TABLE counters (
    year integer NOT NULL,
    office text NOT NULL,
    n integer NOT NULL,
    PRIMARY KEY (year, office)
);

CREATE TABLE letters (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    decision_no integer NOT NULL,
    cause_id uuid NOT NULL,
    outcome text NOT NULL,
    letter_sealed text NOT NULL,
    department_fa text NOT NULL,
    department_en text NOT NULL,
    decided_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('draft', 'numbered', 'archived', 'unrenderable', 'superseded')),
    number text UNIQUE,
    year integer,
    office text,
    n integer,
    code text UNIQUE,
    issued_at timestamptz,
    sha256 text,
    supersedes text,
    superseded_by text,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    sequence integer NOT NULL DEFAULT 0,
    traceparent text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (case_id, decision_no),
    UNIQUE (year, office, n)
);
CREATE INDEX letters_open ON letters (next_attempt_at) WHERE state IN ('draft', 'numbered');
"""


def upgrade() -> None:
    """Creates everything."""
    run_sql(chassis_ddl())
    run_sql(LETTERS)
