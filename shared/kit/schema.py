"""The chassis' tables, which each service has in its own database: the first thing its first migration creates."""

OUTBOX = """
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane smallint NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    subject text NOT NULL,
    case_id uuid,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX outbox_lane ON outbox (lane, id);
-- emptied as fast as it is filled: vacuum by count of rows, not by share of the table
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE TABLE event_archive (
    id bigint NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    subject text NOT NULL,
    case_id uuid,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (created_at, id)
) PARTITION BY RANGE (created_at);
CREATE TABLE event_archive_default PARTITION OF event_archive DEFAULT;
CREATE INDEX event_archive_event ON event_archive (event_id);
CREATE INDEX event_archive_case ON event_archive (case_id);
"""

INBOX = """
CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (consumer, event_id)
);

-- events that came before their cause
CREATE TABLE waiting (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    cause_id uuid NOT NULL,
    body bytea NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX waiting_cause ON waiting (consumer, cause_id);
CREATE INDEX waiting_since ON waiting (since);

-- the parking lot: what could not be handled, to be seen and replayed
CREATE TABLE parked (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    event_id text,
    type text,
    body bytea NOT NULL,
    error text NOT NULL,
    attempts integer NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    owner text,
    replayed_at timestamptz
);
CREATE INDEX parked_open ON parked (parked_at) WHERE replayed_at IS NULL;
"""

PARTITIONS = """
-- one partition a month, made ahead of time; the default partition catches what an idle year forgot
CREATE FUNCTION ensure_month_partition(parent text, month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    child text := parent || to_char(month, '_YYYYMM');
BEGIN
    IF to_regclass(child) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', child, parent,
                       date_trunc('month', month), date_trunc('month', month) + interval '1 month');
    END IF;
END $$;
SELECT ensure_month_partition('event_archive', (current_date + make_interval(months => n))::date)
FROM generate_series(0, 2) AS n;
"""


def chassis_ddl() -> str:
    """The SQL that creates all of the chassis' tables in an empty database."""
    return OUTBOX + INBOX + PARTITIONS
