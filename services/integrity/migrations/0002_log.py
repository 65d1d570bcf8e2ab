"""The transparency log: its leaves in the order they were recorded, its entries, tiles, checkpoints, countersignatures;
and the daily roots over what happened to ZRM's cases.

Who runs migrations owns what they create. Afterwards ``services.integrity.log.ownership`` takes these tables away from
the service's role, so that it can add to them and change nothing.
"""

from shared.kit.migrate import run_sql

revision = "0002"
down_revision = "0001"

LOG = """
-- what was recorded, written in the transaction of the step itself; "index" is where it came to stand in the log.
-- Gapless by reference: a leaf names the leaf before by number and hash. A nonce is NULL once it was forgotten.
CREATE TABLE log_leaves (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chain text NOT NULL,
    seq integer NOT NULL CHECK (seq > 0),
    previous_seq integer GENERATED ALWAYS AS (nullif(seq - 1, 0)) STORED,
    previous bytea,
    hash bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
    leaf bytea NOT NULL,
    nonce bytea CHECK (length(nonce) = 32),
    index bigint UNIQUE,
    UNIQUE (chain, seq),
    UNIQUE (chain, seq, hash),
    FOREIGN KEY (chain, previous_seq, previous) REFERENCES log_leaves (chain, seq, hash),
    CHECK ((seq = 1) = (previous IS NULL))
);
CREATE INDEX log_leaves_open ON log_leaves (id) WHERE index IS NULL;

-- the log itself: no index without the one before
CREATE TABLE log_entries (
    index bigint PRIMARY KEY CHECK (index >= 0),
    before bigint GENERATED ALWAYS AS (CASE WHEN index > 0 THEN index - 1 END) STORED REFERENCES log_entries (index),
    hash bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
    leaf bytea NOT NULL
);

CREATE TABLE log_tiles (
    level smallint NOT NULL,
    index bigint NOT NULL,
    hashes bytea NOT NULL,
    PRIMARY KEY (level, index)
);

-- every checkpoint that was ever signed; each names the one before, so that none can go unseen
CREATE TABLE log_checkpoints (
    size bigint PRIMARY KEY CHECK (size >= 0),
    previous bigint UNIQUE REFERENCES log_checkpoints (size) CHECK (previous < size),
    note text NOT NULL,
    CHECK ((size = 0) = (previous IS NULL))
);

-- a witness's countersignatures, numbered from 1 without a gap
CREATE TABLE log_cosignatures (
    size bigint NOT NULL REFERENCES log_checkpoints (size),
    witness text NOT NULL,
    n bigint NOT NULL CHECK (n > 0),
    line text NOT NULL,
    PRIMARY KEY (size, witness),
    UNIQUE (witness, n)
);

-- of ZRM's case events: the id and the hash of the body, nothing else
CREATE TABLE zrm_events (
    event_id uuid PRIMARY KEY,
    day date NOT NULL,
    body_sha256 bytea NOT NULL CHECK (length(body_sha256) = 32)
);
CREATE INDEX zrm_events_day ON zrm_events (day);

-- a day's root, and the hashes of the events that it is over, in the order of their ids
CREATE TABLE zrm_roots (
    day date PRIMARY KEY,
    events bigint NOT NULL,
    root bytea NOT NULL CHECK (length(root) = 32),
    hashes bytea NOT NULL,
    leaf_hash bytea NOT NULL UNIQUE REFERENCES log_leaves (hash)
);
"""


def upgrade() -> None:
    """Creates everything."""
    run_sql(LOG)
