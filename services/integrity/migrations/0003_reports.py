"""Holders of keys, reports, and everything that belongs to one: sealed steps, grants, shares, files.

Times of what a reporter does are whole hours. What holds content is an age file; nothing here opens one.
"""

from shared.kit.migrate import run_sql

revision = "0003"
down_revision = "0002"

DIRECTORY = """
-- the public directory as routing last told it: {"organisations": [id, …], "departments": {id: organisation_id, …}}
CREATE TABLE directory (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    version integer NOT NULL,
    organisations text[] NOT NULL,
    departments jsonb NOT NULL
);
"""

HOLDERS = """
CREATE TABLE holders (
    username text PRIMARY KEY,
    role text NOT NULL CHECK (role IN ('inspector', 'supervisor', 'custodian')),
    province text,
    organisation_id text,
    name text NOT NULL,
    title text,
    -- the present key; the id of the key is what clients that seal know the holder by
    key_id uuid NOT NULL UNIQUE,
    recipient text NOT NULL,
    key_seq integer NOT NULL,
    last_leaf bytea NOT NULL,
    registered_at timestamptz NOT NULL,
    active boolean NOT NULL DEFAULT true
);
CREATE INDEX holders_role ON holders (role, province) WHERE active;

-- every key a holder ever had, each a leaf of the chain "holder:<username>"
CREATE TABLE holder_keys (
    id uuid PRIMARY KEY,
    username text NOT NULL,
    seq integer NOT NULL,
    recipient text NOT NULL,
    registered_at timestamptz NOT NULL,
    leaf bytea NOT NULL,
    UNIQUE (username, seq)
);
"""

REPORTS = """
CREATE TABLE reports (
    id uuid PRIMARY KEY,
    report_no text NOT NULL UNIQUE,
    mode text NOT NULL CHECK (mode IN ('anonymous', 'confidential', 'named')),
    organisation_id text NOT NULL,
    province text,
    language text NOT NULL,
    -- the reporter's box, from the receipt code
    locator text NOT NULL UNIQUE CHECK (locator ~ '^[0-9]{8}$'),
    auth_hash bytea NOT NULL CHECK (length(auth_hash) = 32),
    box_recipient text NOT NULL,
    -- where it stands; version is the ETag, seq and last_leaf the end of its chain in the log
    state text NOT NULL,
    version integer NOT NULL DEFAULT 0,
    seq integer NOT NULL DEFAULT 0,
    last_leaf bytea,
    epoch integer NOT NULL,
    recipient text NOT NULL,
    assignee text,
    priority text,
    admissible boolean,
    -- what clocks and summaries need; filed_at is the hour
    filed_at timestamptz NOT NULL,
    round_since timestamptz NOT NULL,
    state_since timestamptz NOT NULL,
    unassigned_since timestamptz,
    acknowledged_at timestamptz,
    first_action_at timestamptz,
    finding_at timestamptz,
    outcome_told_at timestamptz,
    -- who filed it: an age file whose key lies in identity_shares; a number to notify, for sms alone
    identity_sealed bytea,
    identity_recipient text,
    notify_sealed text,
    CHECK ((identity_sealed IS NULL) = (mode = 'anonymous')),
    CHECK ((identity_sealed IS NULL) = (identity_recipient IS NULL))
);
CREATE INDEX reports_assignee ON reports (assignee, id);
CREATE INDEX reports_province ON reports (province, id);
CREATE INDEX reports_state ON reports (state, state_since);

CREATE TABLE report_epochs (
    report_id uuid NOT NULL REFERENCES reports,
    epoch integer NOT NULL CHECK (epoch > 0),
    recipient text NOT NULL,
    seq integer NOT NULL,
    PRIMARY KEY (report_id, epoch)
);

-- every step, readings too, in one order without gaps
CREATE TABLE report_steps (
    report_id uuid NOT NULL REFERENCES reports,
    seq integer NOT NULL CHECK (seq > 0),
    type text NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    visible boolean NOT NULL,
    state text NOT NULL,
    epoch integer NOT NULL,
    data jsonb NOT NULL DEFAULT '{}',
    sealed bytea,
    boxed bytea,
    leaf bytea NOT NULL UNIQUE,
    PRIMARY KEY (report_id, seq)
);

-- "seq" here and below: the step that brought the row, whose leaf covers it
CREATE TABLE grants (
    report_id uuid NOT NULL REFERENCES reports,
    epoch integer NOT NULL,
    holder text NOT NULL,
    key_id uuid NOT NULL REFERENCES holder_keys,
    seq integer NOT NULL,
    sealed bytea NOT NULL,
    revoked_seq integer,
    PRIMARY KEY (report_id, epoch, key_id)
);
CREATE INDEX grants_holder ON grants (holder, report_id) WHERE revoked_seq IS NULL;

CREATE TABLE recovery_shares (
    report_id uuid NOT NULL REFERENCES reports,
    epoch integer NOT NULL,
    among text[] NOT NULL,
    holder text NOT NULL,
    key_id uuid NOT NULL REFERENCES holder_keys,
    seq integer NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (report_id, epoch, among, holder)
);
CREATE INDEX recovery_shares_holder ON recovery_shares (holder, report_id);

CREATE TABLE identity_shares (
    report_id uuid NOT NULL REFERENCES reports,
    among text[] NOT NULL,
    holder text NOT NULL,
    key_id uuid NOT NULL REFERENCES holder_keys,
    seq integer NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (report_id, among, holder)
);
CREATE INDEX identity_shares_holder ON identity_shares (holder, report_id);

-- the bytes lie in the file store under the hash of their ciphertext, which is padded; sizes are those of it
CREATE TABLE report_files (
    report_id uuid NOT NULL REFERENCES reports,
    n integer NOT NULL,
    seq integer NOT NULL,
    epoch integer NOT NULL,
    media_type text NOT NULL,
    size integer NOT NULL,
    cleaned_size integer,
    original_sha256 bytea NOT NULL CHECK (length(original_sha256) = 32),
    cleaned_sha256 bytea CHECK (length(cleaned_sha256) = 32),
    PRIMARY KEY (report_id, n)
);

-- Idempotency-Keys of reporters: the answer under a key that is derived from the key sent and stored nowhere
CREATE TABLE filing_keys (
    id bytea PRIMARY KEY,
    fingerprint bytea NOT NULL,
    answer bytea NOT NULL,
    hour timestamptz NOT NULL
);
CREATE INDEX filing_keys_hour ON filing_keys (hour);
"""


def upgrade() -> None:
    """Creates everything."""
    run_sql(DIRECTORY)
    run_sql(HOLDERS)
    run_sql(REPORTS)
