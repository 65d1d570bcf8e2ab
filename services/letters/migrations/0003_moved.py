"""A letter of a case that was moved to the corruption reports is put aside: nobody is left whom it could be sent to."""

from shared.kit.migrate import run_sql

revision = "0003"
down_revision = "0002"

MOVED = """
ALTER TABLE letters DROP CONSTRAINT letters_state_check;
ALTER TABLE letters ADD CONSTRAINT letters_state_check
    CHECK (state IN ('draft', 'numbered', 'archived', 'unrenderable', 'superseded', 'moved'));
"""


def upgrade() -> None:
    """Allows the state."""
    run_sql(MOVED)
