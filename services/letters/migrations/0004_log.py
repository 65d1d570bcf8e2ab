"""What the transparency log says of each day of cases, and of which day a letter prints it."""

from shared.kit.migrate import run_sql

revision = "0004"
down_revision = "0003"

LOG = """
-- a row a day, as integrity told it: the day's leaf, its place, and the log when it first was under a signed root
CREATE TABLE log_roots (
    day date PRIMARY KEY,
    leaf bytea NOT NULL CHECK (length(leaf) = 32),
    index bigint NOT NULL CHECK (index >= 0),
    size bigint NOT NULL CHECK (size > index),
    root bytea NOT NULL CHECK (length(root) = 32)
);

-- the newest day that was known when the letter got its number, which its page prints; and the day of its own event
ALTER TABLE letters ADD COLUMN rooted_on date REFERENCES log_roots;
ALTER TABLE letters ADD COLUMN told_on date;
"""


def upgrade() -> None:
    """Creates the table and the columns."""
    run_sql(LOG)
