"""The directory, the desk's cases and their steps."""

from shared.kit.migrate import run_sql
from shared.kit.schema import chassis_ddl
from shared.kit.web.idempotency import IDEMPOTENCY_DDL

revision = "0001"
down_revision = None

DIRECTORY = """
CREATE TABLE departments (
    id text PRIMARY KEY,
    name_fa text NOT NULL,
    name_en text NOT NULL,
    organisation_id text NOT NULL,
    pipeline text NOT NULL CHECK (pipeline IN ('zrm', 'irm')),
    position integer NOT NULL
);
CREATE TABLE organisations (
    id text PRIMARY KEY,
    name_fa text NOT NULL,
    name_en text NOT NULL,
    position integer NOT NULL
);
CREATE TABLE categories (
    id text PRIMARY KEY,
    department_id text NOT NULL REFERENCES departments,
    name_fa text NOT NULL,
    name_en text NOT NULL,
    sla_days integer NOT NULL CHECK (sla_days > 0),
    priority text NOT NULL,
    vulnerable boolean NOT NULL,
    keywords text[] NOT NULL,
    position integer NOT NULL
);
-- ordered rules, the first that matches decides; a NULL condition matches all
CREATE TABLE rules (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    position integer NOT NULL UNIQUE,
    name text NOT NULL,
    category_id text REFERENCES categories,
    province text,
    kind text,
    organisation_id text REFERENCES organisations,
    words text[],
    to_department_id text REFERENCES departments,
    to_category_id text REFERENCES categories
);
CREATE TABLE directory_version (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    version integer NOT NULL,
    fingerprint text NOT NULL
);
"""

CASES = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE cases (
    id uuid PRIMARY KEY,
    tracking_code text NOT NULL UNIQUE,
    kind text NOT NULL,
    channel text NOT NULL,
    language text NOT NULL,
    citizen_id uuid,
    partner_id text,
    province text NOT NULL,
    county text,
    organisation_id text,
    reachable boolean NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    folded text NOT NULL,
    words tsvector GENERATED ALWAYS AS (to_tsvector('simple', folded)) STORED,
    spaceless text NOT NULL,
    registered_at timestamptz NOT NULL,
    registered_event_id uuid NOT NULL,
    -- where it stands
    status text NOT NULL,
    department_id text REFERENCES departments,
    category_id text REFERENCES categories,
    assignee text,
    routing jsonb NOT NULL,
    restricted boolean NOT NULL DEFAULT false,
    sla_days integer,
    due_at timestamptz,
    paused_at timestamptz,
    extended boolean NOT NULL DEFAULT false,
    decision jsonb,
    decision_no integer NOT NULL DEFAULT 0,
    decided_at timestamptz,
    reopened_at timestamptz,
    letter_number text,
    rating smallint,
    -- version is the ETag; sequence counts this case's events; last_event_id is the newest in its story
    version integer NOT NULL DEFAULT 1,
    sequence integer NOT NULL DEFAULT 0,
    last_event_id uuid NOT NULL
);
CREATE INDEX cases_desk ON cases (department_id, id DESC);
CREATE INDEX cases_desk_province ON cases (department_id, province, id DESC);
CREATE INDEX cases_status ON cases (status, id DESC);
CREATE INDEX cases_triage ON cases (id) WHERE status = 'registered';
CREATE INDEX cases_due ON cases (due_at) WHERE status IN ('assigned', 'in_progress', 'reopened');
CREATE INDEX cases_citizen ON cases (citizen_id, id DESC);
CREATE INDEX cases_words ON cases USING gin (words);
CREATE INDEX cases_spaceless ON cases USING gin (spaceless gin_trgm_ops);

-- every step, internal notes too
CREATE TABLE steps (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases,
    at timestamptz NOT NULL,
    type text NOT NULL,
    actor_kind text NOT NULL,
    actor_id text,
    actor_title text,
    note text,
    data jsonb NOT NULL DEFAULT '{}',
    event_id uuid
);
CREATE INDEX steps_case ON steps (case_id, at, id);

CREATE TABLE step_sms (
    event_id uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    status text NOT NULL,
    rank smallint NOT NULL
);
CREATE INDEX step_sms_case ON step_sms (case_id);
"""


def upgrade() -> None:
    """Creates everything."""
    run_sql(chassis_ddl())
    run_sql(IDEMPOTENCY_DDL)
    run_sql(DIRECTORY)
    run_sql(CASES)
