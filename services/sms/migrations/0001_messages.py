"""Who is to be told, what they are told, and how far each text came."""

from shared.kit.migrate import run_sql
from shared.kit.schema import chassis_ddl

revision = "0001"
down_revision = None

MESSAGES = """
-- what is needed to tell a case's citizen: the number sealed, found again by its keyed hash
CREATE TABLE contacts (
    case_id uuid PRIMARY KEY,
    tracking_code text NOT NULL UNIQUE,
    language text NOT NULL,
    mobile_sealed text,
    mobile_index bytea,
    sequence integer NOT NULL
);
CREATE INDEX contacts_mobile ON contacts (mobile_index);

CREATE TABLE messages (
    ordinal bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    event_id uuid NOT NULL,
    template text NOT NULL,
    urgency smallint NOT NULL,
    case_id uuid,
    recipient_index bytea NOT NULL,
    recipient_sealed text,
    text_sealed text,
    traceparent text,
    state text NOT NULL CHECK (state IN ('queued', 'sending', 'outcome_unknown', 'accepted', 'sent', 'delivered',
                                         'undeliverable', 'expired', 'rejected', 'suppressed')),
    taken jsonb NOT NULL DEFAULT '{}',
    parts smallint,
    attempts smallint NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    sequence integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    accepted_at timestamptz,
    -- exactly one text per step, template and phone, however often the event comes
    UNIQUE (event_id, template, recipient_index)
);
CREATE INDEX messages_due ON messages (urgency, ordinal) WHERE state IN ('queued', 'sending', 'outcome_unknown');
CREATE INDEX messages_unsent ON messages (recipient_index, urgency, ordinal)
    WHERE state IN ('queued', 'sending', 'outcome_unknown');
CREATE INDEX messages_unreported ON messages (next_attempt_at) WHERE state IN ('accepted', 'sent');
CREATE INDEX messages_case ON messages (case_id);

-- the short messages that a text became, under the operator's ids
CREATE TABLE parts (
    provider_id text NOT NULL,
    operator text NOT NULL,
    message_id uuid NOT NULL REFERENCES messages (id),
    number smallint NOT NULL,
    PRIMARY KEY (operator, provider_id)
);
CREATE INDEX parts_message ON parts (message_id);

-- reports may come before we know whose they are, twice and out of order; rank tells the newer word
CREATE TABLE reports (
    operator text NOT NULL,
    provider_id text NOT NULL,
    state text NOT NULL,
    rank smallint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (operator, provider_id)
);
"""


def upgrade() -> None:
    """Creates everything."""
    run_sql(chassis_ddl())
    run_sql(MESSAGES)
