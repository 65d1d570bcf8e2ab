"""The tables of routing, as the queries name them; ``migrations/`` creates them."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

metadata = MetaData()

_moment = DateTime(timezone=True)

departments = Table(
    "departments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name_fa", Text),
    Column("name_en", Text),
    Column("organisation_id", Text),
    Column("pipeline", Text),
    Column("officers", JSONB),
    Column("active", Boolean),
    Column("position", Integer),
)

organisations = Table(
    "organisations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name_fa", Text),
    Column("name_en", Text),
    Column("active", Boolean),
    Column("position", Integer),
)

categories = Table(
    "categories",
    metadata,
    Column("id", Text, primary_key=True),
    Column("department_id", Text),
    Column("name_fa", Text),
    Column("name_en", Text),
    Column("sla_days", Integer),
    Column("priority", Text),
    Column("vulnerable", Boolean),
    Column("keywords", ARRAY(Text)),
    Column("active", Boolean),
    Column("position", Integer),
)

staff = Table(
    "staff",
    metadata,
    Column("username", Text, primary_key=True),
    Column("roles", ARRAY(Text)),
    Column("department_id", Text),
    Column("province", Text),
    Column("active", Boolean),
    Column("version", Integer),
)

rules = Table(
    "rules",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("position", Integer),
    Column("name", Text),
    Column("category_id", Text),
    Column("province", Text),
    Column("county", Text),
    Column("kind", Text),
    Column("organisation_id", Text),
    Column("words", ARRAY(Text)),
    Column("from_hour", SmallInteger),
    Column("to_hour", SmallInteger),
    Column("from_on", Date),
    Column("to_on", Date),
    Column("to_department_id", Text),
    Column("to_category_id", Text),
)

directory_version = Table(
    "directory_version",
    metadata,
    Column("singleton", Boolean, primary_key=True),
    Column("version", Integer),
    Column("fingerprint", Text),
)

directory_history = Table(
    "directory_history",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("at", _moment),
    Column("actor_id", Text),
    Column("change", JSONB),
    Column("document", JSONB),
)

cases = Table(
    "cases",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tracking_code", Text),
    Column("kind", Text),
    Column("channel", Text),
    Column("language", Text),
    Column("citizen_id", Uuid),
    Column("partner_id", Text),
    Column("province", Text),
    Column("county", Text),
    Column("organisation_id", Text),
    Column("reachable", Boolean),
    Column("subject", Text),
    Column("body", Text),
    Column("folded", Text),
    Column("words", TSVECTOR),
    Column("spaceless", Text),
    Column("registered_at", _moment),
    Column("registered_event_id", Uuid),
    Column("status", Text),
    Column("department_id", Text),
    Column("category_id", Text),
    Column("second_category_id", Text),
    Column("assignee", Text),
    Column("routing", JSONB),
    Column("chosen_category_id", Text),
    Column("directory_version", Integer),
    Column("restricted", Boolean),
    Column("sla_days", Integer),
    Column("due_at", _moment),
    Column("paused_at", _moment),
    Column("extended", Boolean),
    Column("term_days", Integer),
    Column("escalation", SmallInteger),
    Column("next_clock_at", _moment),
    Column("decision", JSONB(none_as_null=True)),
    Column("decision_no", Integer),
    Column("decided_at", _moment),
    Column("decided_by", ARRAY(Text)),
    Column("referred_from", Text),
    Column("referral_accepted", Boolean),
    Column("reopened_at", _moment),
    Column("merged_into", Uuid),
    Column("letter_number", Text),
    Column("rating", SmallInteger),
    Column("version", Integer),
    Column("sequence", Integer),
    Column("last_event_id", Uuid),
)

desk_feed = Table(
    "desk_feed",
    metadata,
    Column("tx", BigInteger, primary_key=True),
    Column("id", BigInteger, primary_key=True),
    Column("at", _moment),
    Column("case_id", Uuid),
    Column("tracking_code", Text),
    Column("step", Text),
    Column("status", Text),
    Column("department_id", Text),
    Column("former_department_id", Text),
    Column("province", Text),
    Column("restricted", Boolean),
)

saved_views = Table(
    "saved_views",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner", Text),
    Column("name", Text),
    Column("query", JSONB),
    Column("created_at", _moment),
)

steps = Table(
    "steps",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("case_id", Uuid),
    Column("at", _moment),
    Column("type", Text),
    Column("actor_kind", Text),
    Column("actor_id", Text),
    Column("actor_title", Text),
    Column("note", Text),
    Column("data", JSONB),
    Column("event_id", Uuid),
)

step_sms = Table(
    "step_sms",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("case_id", Uuid),
    Column("status", Text),
    Column("rank", SmallInteger),
)

classifier_models = Table(
    "classifier_models",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("version", Text),
    Column("content", LargeBinary),
    Column("promoted_at", _moment),
)

classifier_refits = Table(
    "classifier_refits",
    metadata,
    Column("day", Date, primary_key=True),
    Column("begun_at", _moment),
    Column("ended_at", _moment),
    Column("learnt", Integer),
    Column("judged", Integer),
    Column("current_right", Double),
    Column("candidate_right", Double),
    Column("candidate", Text),
    Column("promoted", Boolean),
)

classifier_drift = Table(
    "classifier_drift",
    metadata,
    Column("day", Date, primary_key=True),
    Column("cases", Integer),
    Column("abstained", Double),
    Column("confidence", Double),
    Column("psi", Double),
    Column("model", Text),
)

audit_samples = Table(
    "audit_samples",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("at", _moment),
    Column("method", Text),
    Column("department_id", Text),
    Column("category_id", Text),
    Column("confidence", Double),
    Column("model", Text),
    Column("right_category_id", Text),
    Column("checked_by", Text),
    Column("checked_at", _moment),
)

attachments = Table(
    "attachments",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("media_type", Text),
    Column("size", BigInteger),
    Column("sha256", Text),
    Column("at", _moment),
)

_COUNTED = ("filed", "reopened", "decided", "in_time", "rated", "rating_sum")

review_counts = Table(
    "review_counts",
    metadata,
    *(Column(name, Text) for name in ("month", "department_id", "category_id", "province", "kind", "channel")),
    Column("days", Integer),
    *(Column(name, Integer) for name in _COUNTED),
)
"""A view: the folded counts and what was appended since."""

review_cell_counts = Table(
    "review_cell_counts",
    metadata,
    *(Column(name, Text) for name in ("month", "department_id", "category_id", "province")),
    *(Column(name, Integer) for name in ("filed", "reopened", "decided", "in_time")),
)
"""A view: the same, coarser, for what is read across many months."""

jalali_months = Table(
    "jalali_months",
    metadata,
    Column("month", Text, primary_key=True),
    Column("since", _moment),
    Column("until", _moment),
)

reviews = Table(
    "reviews",
    metadata,
    Column("month", Text, primary_key=True),
    Column("published_at", _moment),
    Column("history", Integer),
)

review_findings = Table(
    "review_findings",
    metadata,
    Column("month", Text, primary_key=True),
    Column("category_id", Text, primary_key=True),
    Column("province", Text, primary_key=True),
    Column("observed", Integer),
    Column("expected", Double),
    Column("upper", Integer),
    Column("p", Double),
    Column("score", Double),
)

review_looks = Table(
    "review_looks",
    metadata,
    Column("month", Text, primary_key=True),
    Column("at", _moment),
    Column("history", Integer),
    Column("findings", JSONB),
)

review_notes = Table(
    "review_notes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("month", Text),
    Column("department_id", Text),
    Column("note", Text),
    Column("author", Text),
    Column("author_title", Text),
    Column("at", _moment),
)

topics = Table(
    "topics",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("title", Text),
    Column("text", Text),
    Column("category_id", Text),
    Column("province", Text),
    Column("source", Text),
    Column("state", Text),
    Column("score", Double),
    Column("opened_by", Text),
    Column("opened_at", _moment),
    Column("closed_at", _moment),
)

topic_evidence = Table(
    "topic_evidence",
    metadata,
    Column("topic_id", Uuid, primary_key=True),
    Column("month", Text, primary_key=True),
    Column("observed", Integer),
    Column("expected", Double),
    Column("upper", Integer),
    Column("p", Double),
    Column("score", Double),
)

topic_decisions = Table(
    "topic_decisions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("topic_id", Uuid),
    Column("title", Text),
    Column("text", Text),
    Column("owner_department_id", Text),
    Column("due_on", Date),
    Column("measure_category_id", Text),
    Column("measure_province", Text),
    Column("target", Integer),
    Column("decided_by", Text),
    Column("decided_by_title", Text),
    Column("decided_at", _moment),
    Column("cases", Integer),
)

topic_notices = Table(
    "topic_notices",
    metadata,
    Column("decision_id", Uuid, primary_key=True),
    Column("case_id", Uuid, primary_key=True),
    Column("told_at", _moment),
)
