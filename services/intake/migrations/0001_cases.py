"""The citizen's side of a case."""

from shared.kit.migrate import run_sql
from shared.kit.schema import chassis_ddl
from shared.kit.web.idempotency import IDEMPOTENCY_DDL

revision = "0001"
down_revision = None

CASES = """
-- ids are UUIDv7, so a range of ids is a range of time: one partition a month, and the id alone is the key
CREATE TABLE cases (
    id uuid PRIMARY KEY,
    tracking_code text NOT NULL,
    citizen_id uuid,
    partner_id text,
    kind text NOT NULL,
    channel text NOT NULL,
    language text NOT NULL,
    category_id text,
    province text NOT NULL,
    county text,
    organisation_id text,
    contact_sealed text NOT NULL,
    text_sealed text NOT NULL,
    registered_at timestamptz NOT NULL,
    registered_event_id uuid NOT NULL,
    sequence integer NOT NULL DEFAULT 1,
    last_event_id uuid NOT NULL,
    -- what routing says of the case; state_sequence keeps an older word from overwriting a newer one
    status text NOT NULL DEFAULT 'registered',
    state_sequence integer NOT NULL DEFAULT 0,
    due_at timestamptz,
    department jsonb,
    category jsonb,
    decided_at timestamptz,
    outcome text,
    letter_number text
) PARTITION BY RANGE (id);
CREATE INDEX cases_citizen ON cases (citizen_id, id DESC) WHERE citizen_id IS NOT NULL;
CREATE INDEX cases_partner ON cases (partner_id, id DESC) WHERE partner_id IS NOT NULL;
CREATE TABLE cases_default PARTITION OF cases DEFAULT;

CREATE FUNCTION uuid7_floor(moment timestamptz) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;
CREATE FUNCTION ensure_case_partition(month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    child text := 'cases' || to_char(month, '_YYYYMM');
    first timestamptz := date_trunc('month', month::timestamp) AT TIME ZONE 'UTC';
    next timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(child) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF cases FOR VALUES FROM (%L) TO (%L)',
                       child, uuid7_floor(first), uuid7_floor(next));
    END IF;
END $$;
SELECT ensure_case_partition((current_date + make_interval(months => n))::date) FROM generate_series(0, 2) AS n;

-- unique over all partitions
CREATE TABLE tracking_codes (code text PRIMARY KEY, case_id uuid NOT NULL);

-- who filed what under which Idempotency-Key; the answer is made again from the case, so no text is kept here
CREATE TABLE filing_keys (
    key_hash bytea PRIMARY KEY,
    fingerprint bytea NOT NULL,
    case_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX filing_keys_age ON filing_keys USING brin (created_at);

-- every correspondence step but the registration, which is the case's own row; a set, so that a late step is never lost
CREATE TABLE timeline (
    case_id uuid NOT NULL,
    producer text NOT NULL,
    subject text NOT NULL,
    sequence integer NOT NULL,
    event_id uuid NOT NULL,
    at timestamptz NOT NULL,
    step text NOT NULL,
    actor_title text,
    note_sealed text,
    PRIMARY KEY (case_id, producer, subject, sequence)
);

-- how far the text about a step came; reports come out of order, so a rank decides
CREATE TABLE step_sms (
    event_id uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    status text NOT NULL,
    rank smallint NOT NULL
);
CREATE INDEX step_sms_case ON step_sms (case_id);

CREATE TABLE messages (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    text_sealed text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX messages_case ON messages (case_id, id);

CREATE TABLE ratings (
    case_id uuid PRIMARY KEY,
    score smallint NOT NULL CHECK (score BETWEEN 1 AND 5),
    comment_sealed text,
    at timestamptz NOT NULL
);

-- the public directory as routing last told it
CREATE TABLE directory (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    version integer NOT NULL,
    categories text[] NOT NULL,
    organisations text[] NOT NULL
);
"""


def upgrade() -> None:
    """Creates everything."""
    run_sql(chassis_ddl())
    run_sql(IDEMPOTENCY_DDL)
    run_sql(CASES)
