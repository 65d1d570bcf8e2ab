"""The desk deepened: clocks that strike, and what a case needs before it is closed."""

from shared.kit.migrate import run_sql

revision = "0003"
down_revision = "0002"

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
"""

CLOSURE = """
-- decided_by: who wrote and who approved the decisions so far; referred_from: who sent the case, until it is accepted
ALTER TABLE cases
    ADD COLUMN decided_by text[] NOT NULL DEFAULT '{}',
    ADD COLUMN referred_from text REFERENCES departments,
    ADD COLUMN referral_accepted boolean NOT NULL DEFAULT false;
-- None was written as JSON's null
UPDATE cases SET decision = NULL WHERE decision = 'null';
UPDATE cases c SET decided_by = d.people FROM (
    SELECT case_id, array_agg(DISTINCT person) AS people
    FROM steps, unnest(ARRAY[actor_id, data->>'written_by']) AS person
    WHERE type = 'approve' AND person IS NOT NULL GROUP BY case_id
) d WHERE d.case_id = c.id;
"""

DIRECTORY = """
-- what is out of use stays, for the cases that were filed under it; officers: province → who answers for it
ALTER TABLE organisations ADD COLUMN active boolean NOT NULL DEFAULT true;
ALTER TABLE departments
    ADD COLUMN active boolean NOT NULL DEFAULT true,
    ADD COLUMN officers jsonb NOT NULL DEFAULT '{}';
ALTER TABLE categories ADD COLUMN active boolean NOT NULL DEFAULT true;
-- hours of the day and days of Tehran; the last hour and the last day: hour not included, day included
ALTER TABLE rules
    ADD COLUMN county text,
    ADD COLUMN from_hour smallint CHECK (from_hour BETWEEN 0 AND 23),
    ADD COLUMN to_hour smallint CHECK (to_hour BETWEEN 1 AND 24),
    ADD COLUMN from_on date,
    ADD COLUMN to_on date;
CREATE TABLE directory_history (
    version integer PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor_id text,
    change jsonb NOT NULL,
    document jsonb NOT NULL
);
-- what the citizen chose, and the directory and rules that it was filed under
ALTER TABLE cases
    ADD COLUMN chosen_category_id text,
    ADD COLUMN directory_version integer;
"""

DESK = """
ALTER TABLE cases ADD COLUMN merged_into uuid REFERENCES cases;

CREATE TABLE saved_views (
    id uuid PRIMARY KEY,
    owner text NOT NULL,
    name text NOT NULL,
    query jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (owner, name)
);

-- what happens at the desk, for those who watch. A transaction that began earlier may commit later: readers go by the
-- transaction's number and only up to the oldest one that is still open, so that none is skipped.
CREATE TABLE desk_feed (
    tx bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    case_id uuid NOT NULL,
    tracking_code text NOT NULL,
    step text NOT NULL,
    status text NOT NULL,
    department_id text,
    former_department_id text,
    province text NOT NULL,
    restricted boolean NOT NULL,
    PRIMARY KEY (tx, id)
);
CREATE INDEX desk_feed_at ON desk_feed USING brin (at);
"""

LISTS = """
-- the open cases, with all that a list of them is filtered and ordered by: small, whatever the years bring
DROP INDEX cases_due;
CREATE INDEX cases_open ON cases (department_id, id)
    INCLUDE (status, due_at, category_id, province, kind, assignee, escalation, restricted)
    WHERE status IN ('assigned', 'awaiting_citizen', 'in_progress', 'registered', 'reopened');
CREATE INDEX cases_pending ON cases (department_id, id) WHERE decision IS NOT NULL;
-- all cases, by id, which is by time; category and province also find what is alike
CREATE INDEX cases_matter ON cases (category_id, province, id);
CREATE INDEX cases_category ON cases (category_id, id);
CREATE INDEX cases_province ON cases (province, id);
CREATE INDEX cases_assignee ON cases (assignee, id) INCLUDE (department_id, province, restricted)
    WHERE assignee IS NOT NULL;
CREATE INDEX cases_decided ON cases (decided_at)
    INCLUDE (registered_at, department_id, category_id, province, restricted) WHERE decided_at IS NOT NULL;
"""


def upgrade() -> None:
    """Adds what each part of the desk needs."""
    run_sql(CLOCKS)
    run_sql(CLOSURE)
    run_sql(DIRECTORY)
    run_sql(DESK)
    run_sql(LISTS)
