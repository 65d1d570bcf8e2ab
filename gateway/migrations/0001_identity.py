"""Who may log in, and who is logged in."""

from shared.kit.migrate import run_sql
from shared.kit.schema import chassis_ddl

revision = "0001"
down_revision = None

IDENTITY = """
-- a login code that was sent: its keyed hash, never itself; the number sealed, and counted by its keyed hash
CREATE TABLE otp_challenges (
    id uuid PRIMARY KEY,
    citizen_id uuid NOT NULL,
    mobile_sealed text NOT NULL,
    code_hash bytea NOT NULL,
    tries smallint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX otp_challenges_citizen ON otp_challenges (citizen_id, created_at);
CREATE INDEX otp_challenges_age ON otp_challenges (created_at);

-- a login and the chain of refresh tokens that it lives on by; each token works once
CREATE TABLE refresh_families (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    subject text NOT NULL,
    mobile_sealed text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX refresh_families_subject ON refresh_families (kind, subject);
CREATE INDEX refresh_families_revoked ON refresh_families (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE TABLE refresh_tokens (
    hash bytea PRIMARY KEY,
    family_id uuid NOT NULL REFERENCES refresh_families ON DELETE CASCADE,
    used_at timestamptz
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family_id);

CREATE TABLE staff (
    username text PRIMARY KEY,
    password_hash text NOT NULL,
    roles text[] NOT NULL,
    department_id text,
    province text,
    name text NOT NULL,
    title text NOT NULL,
    totp_sealed text,
    totp_last_step bigint NOT NULL DEFAULT 0,
    disabled boolean NOT NULL DEFAULT false
);

CREATE TABLE partners (
    client_id text PRIMARY KEY,
    secret_hash bytea NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL,
    disabled boolean NOT NULL DEFAULT false
);
"""


def upgrade() -> None:
    """Creates everything."""
    run_sql(chassis_ddl())
    run_sql(IDENTITY)
