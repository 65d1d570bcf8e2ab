"""The tables of intake, as the queries name them; ``migrations/`` creates them."""

from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, SmallInteger, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

_moment = DateTime(timezone=True)

cases = Table(
    "cases",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tracking_code", Text),
    Column("citizen_id", Uuid),
    Column("partner_id", Text),
    Column("kind", Text),
    Column("channel", Text),
    Column("language", Text),
    Column("category_id", Text),
    Column("province", Text),
    Column("county", Text),
    Column("organisation_id", Text),
    Column("contact_sealed", Text),
    Column("text_sealed", Text),
    Column("registered_at", _moment),
    Column("registered_event_id", Uuid),
    Column("sequence", Integer),
    Column("last_event_id", Uuid),
    Column("status", Text),
    Column("state_sequence", Integer),
    Column("due_at", _moment),
    Column("department", JSONB),
    Column("category", JSONB),
    Column("decided_at", _moment),
    Column("outcome", Text),
    Column("letter_number", Text),
)

tracking_codes = Table("tracking_codes", metadata, Column("code", Text, primary_key=True), Column("case_id", Uuid))

timeline = Table(
    "timeline",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("producer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("event_id", Uuid),
    Column("at", _moment),
    Column("step", Text),
    Column("actor_title", Text),
    Column("note_sealed", Text),
)

step_sms = Table(
    "step_sms",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("case_id", Uuid),
    Column("status", Text),
    Column("rank", SmallInteger),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("case_id", Uuid),
    Column("text_sealed", Text),
    Column("at", _moment),
)

ratings = Table(
    "ratings",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("score", SmallInteger),
    Column("comment_sealed", Text),
    Column("at", _moment),
)

moved_claims = Table(
    "moved_claims",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("claim_sealed", Text),
    Column("expires_at", _moment),
)

attachments = Table(
    "attachments",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("message_id", Uuid),
    Column("media_type", Text),
    Column("size", BigInteger),
    Column("sha256", Text),
    Column("name_sealed", Text),
)
