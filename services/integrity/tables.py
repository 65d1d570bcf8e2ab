"""The tables of integrity, as the queries name them; ``migrations/`` creates them (those of the log: ``log/``).

A report is a row of ``reports`` and its numbered steps; every other row of a report (grant, share, file, epoch,
exclusion) names by ``seq`` the step that brought it, and the step's leaf in the log covers it
(``reports/manifest.py``). The submitted report itself is step 1, of type ``filed``. ``sealed`` opens with the report's
key of the step's ``epoch``, ``boxed`` with the reporter's; both are what ``reports/content.py`` makes. ``key_id`` is
the key of a holder that a grant or a share is sealed to, so that it still opens after the holder registered another
key. ``report_exclusions``: who is named in the report, of those who had a key when it was filed.
"""

from sqlalchemy import ARRAY, Boolean, Column, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

_moment = DateTime(timezone=True)

holders = Table(
    "holders",
    metadata,
    Column("username", Text, primary_key=True),
    Column("role", Text),
    Column("province", Text),
    Column("organisation_id", Text),
    Column("name", Text),
    Column("title", Text),
    Column("key_id", Uuid),
    Column("recipient", Text),
    Column("key_seq", Integer),
    Column("last_leaf", LargeBinary),
    Column("registered_at", _moment),
    Column("active", Boolean),
)

holder_keys = Table(
    "holder_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("username", Text),
    Column("seq", Integer),
    Column("recipient", Text),
    Column("registered_at", _moment),
    Column("leaf", LargeBinary),
)

reports = Table(
    "reports",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("report_no", Text),
    Column("mode", Text),
    Column("organisation_id", Text),
    Column("province", Text),
    Column("language", Text),
    Column("locator", Text),
    Column("auth_hash", LargeBinary),
    Column("box_recipient", Text),
    Column("state", Text),
    Column("version", Integer),
    Column("seq", Integer),
    Column("last_leaf", LargeBinary),
    Column("epoch", Integer),
    Column("recipient", Text),
    Column("assignee", Text),
    Column("priority", Text),
    Column("admissible", Boolean),
    Column("filed_at", _moment),
    Column("round_since", _moment),
    Column("state_since", _moment),
    Column("unassigned_since", _moment),
    Column("acknowledged_at", _moment),
    Column("first_action_at", _moment),
    Column("finding_at", _moment),
    Column("outcome_told_at", _moment),
    Column("identity_sealed", LargeBinary),
    Column("identity_recipient", Text),
    Column("notify_sealed", Text),
)

report_epochs = Table(
    "report_epochs",
    metadata,
    Column("report_id", Uuid, primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("recipient", Text),
    Column("seq", Integer),
)

report_steps = Table(
    "report_steps",
    metadata,
    Column("report_id", Uuid, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("type", Text),
    Column("at", _moment),
    Column("actor", Text),
    Column("visible", Boolean),
    Column("state", Text),
    Column("epoch", Integer),
    Column("data", JSONB),
    Column("sealed", LargeBinary),
    Column("boxed", LargeBinary),
    Column("leaf", LargeBinary),
    Column("manifest", LargeBinary),
)

grants = Table(
    "grants",
    metadata,
    Column("report_id", Uuid, primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("holder", Text),
    Column("key_id", Uuid, primary_key=True),
    Column("seq", Integer),
    Column("sealed", LargeBinary),
    Column("revoked_seq", Integer),
)

recovery_shares = Table(
    "recovery_shares",
    metadata,
    Column("report_id", Uuid, primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("among", ARRAY(Text), primary_key=True),
    Column("holder", Text, primary_key=True),
    Column("key_id", Uuid),
    Column("seq", Integer),
    Column("sealed", LargeBinary),
)

identity_shares = Table(
    "identity_shares",
    metadata,
    Column("report_id", Uuid, primary_key=True),
    Column("among", ARRAY(Text), primary_key=True),
    Column("holder", Text, primary_key=True),
    Column("key_id", Uuid),
    Column("seq", Integer),
    Column("sealed", LargeBinary),
)

report_files = Table(
    "report_files",
    metadata,
    Column("report_id", Uuid, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("seq", Integer),
    Column("epoch", Integer),
    Column("media_type", Text),
    Column("size", Integer),
    Column("cleaned_size", Integer),
    Column("original_sha256", LargeBinary),
    Column("cleaned_sha256", LargeBinary),
)

report_exclusions = Table(
    "report_exclusions",
    metadata,
    Column("report_id", Uuid, primary_key=True),
    Column("holder", Text, primary_key=True),
    Column("seq", Integer),
)

filing_keys = Table(
    "filing_keys",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("fingerprint", LargeBinary),
    Column("answer", LargeBinary),
    Column("hour", _moment),
)

moved_receipts = Table(
    "moved_receipts",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("code_sealed", LargeBinary),
    Column("fetched", Boolean),
    Column("expires_at", _moment),
)
