"""The monthly review's counts, its findings and notes, and the working group's topics and decisions.

The counts are kept by a trigger on ``cases``: whoever changes a case, in whatever way, changes them in the same
transaction. It only appends, so that no two cases wait for each other; a worker folds what was appended (ADR 0010).
"""

from shared.kit.migrate import run_sql
from shared.persian.calendar import month_bounds

revision = "0004"
down_revision = "0003"

_YEARS = range(1380, 1480)


def _months() -> str:
    months = [f"{year:04}-{number:02}" for year in _YEARS for number in range(1, 13)]
    rows = ((month, *month_bounds(month)) for month in months)
    return ", ".join(f"('{month}', '{since.isoformat()}', '{until.isoformat()}')" for month, since, until in rows)


MONTHS = f"""
CREATE TABLE jalali_months (
    month text PRIMARY KEY,
    since timestamptz NOT NULL UNIQUE,
    until timestamptz NOT NULL
);
INSERT INTO jalali_months VALUES {_months()};

CREATE FUNCTION jalali_month(moment timestamptz) RETURNS text LANGUAGE sql STABLE AS
    'SELECT month FROM jalali_months WHERE since <= moment ORDER BY since DESC LIMIT 1';
"""

COUNTS = """
-- of an in-time decision only its own moment knows: a reopened case gets a later date
ALTER TABLE cases ADD COLUMN decided_in_time boolean;
UPDATE cases SET decided_in_time = coalesce(decided_at <= due_at, true) WHERE decided_at IS NOT NULL;

-- days is how long a decision took, in days of Tehran, so that medians are exact; -1 where there is no decision.
-- What no department or category has yet stands under ''.
CREATE TABLE review_rollup (
    month text NOT NULL,
    department_id text NOT NULL,
    category_id text NOT NULL,
    province text NOT NULL,
    kind text NOT NULL,
    channel text NOT NULL,
    days integer NOT NULL,
    filed integer NOT NULL,
    reopened integer NOT NULL,
    decided integer NOT NULL,
    in_time integer NOT NULL,
    rated integer NOT NULL,
    rating_sum integer NOT NULL,
    PRIMARY KEY (month, department_id, category_id, province, kind, channel, days)
);

-- the same, coarser: what is read across many months
CREATE TABLE review_cells (
    month text NOT NULL,
    department_id text NOT NULL,
    category_id text NOT NULL,
    province text NOT NULL,
    filed integer NOT NULL,
    reopened integer NOT NULL,
    decided integer NOT NULL,
    in_time integer NOT NULL,
    PRIMARY KEY (category_id, province, month, department_id)
);

-- what happened since the last fold, without a key: writers never wait for each other
CREATE TABLE review_deltas (LIKE review_rollup);
ALTER TABLE review_deltas SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE VIEW review_counts AS SELECT * FROM review_rollup UNION ALL SELECT * FROM review_deltas;
CREATE VIEW review_cell_counts AS SELECT * FROM review_cells UNION ALL
    SELECT month, department_id, category_id, province, filed, reopened, decided, in_time FROM review_deltas;

-- the one place that says what a case counts for
CREATE FUNCTION review_facts(c cases) RETURNS SETOF review_rollup LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT jalali_month(c.registered_at), coalesce(c.department_id, ''), coalesce(c.category_id, ''), c.province,
        c.kind, c.channel, -1, 1, 0, 0, 0, 0, 0
    UNION ALL
    SELECT jalali_month(c.reopened_at), coalesce(c.department_id, ''), coalesce(c.category_id, ''), c.province,
        c.kind, c.channel, -1, 0, 1, 0, 0, 0, 0
    WHERE c.reopened_at IS NOT NULL
    UNION ALL
    SELECT jalali_month(c.decided_at), coalesce(c.department_id, ''), coalesce(c.category_id, ''), c.province,
        c.kind, c.channel,
        greatest((c.decided_at AT TIME ZONE 'Asia/Tehran')::date - (CASE WHEN c.reopened_at < c.decided_at
            THEN c.reopened_at ELSE c.registered_at END AT TIME ZONE 'Asia/Tehran')::date, 0),
        0, 0, 1, coalesce(c.decided_in_time, false)::integer, (c.rating IS NOT NULL)::integer, coalesce(c.rating, 0)
    WHERE c.decided_at IS NOT NULL;
END $$;

CREATE FUNCTION review_in_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.decided_in_time := NEW.decided_at IS NULL OR coalesce(NEW.decided_at <= NEW.due_at, true);
    RETURN NEW;
END $$;
CREATE TRIGGER review_decided BEFORE UPDATE OF decided_at ON cases FOR EACH ROW
    WHEN (NEW.decided_at IS DISTINCT FROM OLD.decided_at) EXECUTE FUNCTION review_in_time();
CREATE TRIGGER review_filed_decided BEFORE INSERT ON cases FOR EACH ROW
    WHEN (NEW.decided_at IS NOT NULL) EXECUTE FUNCTION review_in_time();

CREATE FUNCTION review_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO review_deltas SELECT * FROM review_facts(NEW);
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO review_deltas
        SELECT month, department_id, category_id, province, kind, channel, days, -filed, -reopened, -decided,
            -in_time, -rated, -rating_sum
        FROM review_facts(OLD);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER review_filed AFTER INSERT OR DELETE ON cases FOR EACH ROW EXECUTE FUNCTION review_count();
CREATE TRIGGER review_changed
    AFTER UPDATE OF registered_at, department_id, category_id, decided_at, reopened_at, rating ON cases FOR EACH ROW
    WHEN (ROW(NEW.registered_at, NEW.department_id, NEW.category_id, NEW.decided_at, NEW.reopened_at, NEW.rating)
        IS DISTINCT FROM
        ROW(OLD.registered_at, OLD.department_id, OLD.category_id, OLD.decided_at, OLD.reopened_at, OLD.rating))
    EXECUTE FUNCTION review_count();
CREATE INDEX cases_cell ON cases (category_id, registered_at);
INSERT INTO review_rollup
SELECT f.month, f.department_id, f.category_id, f.province, f.kind, f.channel, f.days, sum(f.filed), sum(f.reopened),
    sum(f.decided), sum(f.in_time), sum(f.rated), sum(f.rating_sum)
FROM cases c, review_facts(c) f GROUP BY 1, 2, 3, 4, 5, 6, 7;
INSERT INTO review_cells
SELECT month, department_id, category_id, province, sum(filed), sum(reopened), sum(decided), sum(in_time)
FROM review_rollup GROUP BY 1, 2, 3, 4;
"""

REVIEWS = """
-- a month that is closed, with what the detector found then; history is how many months it looked back
CREATE TABLE reviews (
    month text PRIMARY KEY REFERENCES jalali_months,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    history integer NOT NULL
);
-- a province of '' is the whole country
CREATE TABLE review_findings (
    month text NOT NULL REFERENCES reviews,
    category_id text NOT NULL REFERENCES categories,
    province text NOT NULL,
    observed integer NOT NULL,
    expected double precision NOT NULL,
    upper integer NOT NULL,
    p double precision NOT NULL,
    score double precision NOT NULL,
    PRIMARY KEY (month, category_id, province)
);
CREATE TABLE review_notes (
    id uuid PRIMARY KEY,
    month text NOT NULL REFERENCES jalali_months,
    department_id text NOT NULL REFERENCES departments,
    note text NOT NULL,
    author text NOT NULL,
    author_title text,
    at timestamptz NOT NULL
);
CREATE INDEX review_notes_month ON review_notes (month, department_id, at);
"""

GROUP = """
CREATE TABLE topics (
    id uuid PRIMARY KEY,
    title text NOT NULL,
    text text,
    category_id text NOT NULL REFERENCES categories,
    province text NOT NULL,
    source text NOT NULL CHECK (source IN ('excess', 'group')),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'decided', 'closed')),
    score double precision,
    opened_by text,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz
);
CREATE UNIQUE INDEX topics_cell ON topics (category_id, province) WHERE state <> 'closed';
CREATE INDEX topics_newest ON topics (id DESC);

-- the months that speak for a topic; without figures where the group put it there
CREATE TABLE topic_evidence (
    topic_id uuid NOT NULL REFERENCES topics,
    month text NOT NULL REFERENCES jalali_months,
    observed integer,
    expected double precision,
    upper integer,
    p double precision,
    score double precision,
    PRIMARY KEY (topic_id, month)
);
CREATE TABLE topic_decisions (
    id uuid PRIMARY KEY,
    topic_id uuid NOT NULL REFERENCES topics,
    title text NOT NULL,
    text text NOT NULL,
    owner_department_id text NOT NULL REFERENCES departments,
    due_on date NOT NULL,
    measure_category_id text NOT NULL REFERENCES categories,
    measure_province text NOT NULL,
    target integer NOT NULL CHECK (target >= 0),
    decided_by text NOT NULL,
    decided_by_title text,
    decided_at timestamptz NOT NULL,
    cases integer NOT NULL
);
CREATE INDEX topic_decisions_topic ON topic_decisions (topic_id, decided_at);

-- one row per citizen and decision: whom it is still to be told
CREATE TABLE topic_notices (
    decision_id uuid NOT NULL REFERENCES topic_decisions,
    case_id uuid NOT NULL REFERENCES cases,
    told_at timestamptz,
    PRIMARY KEY (decision_id, case_id)
);
CREATE INDEX topic_notices_open ON topic_notices (decision_id, case_id) WHERE told_at IS NULL;
"""


def upgrade() -> None:
    """Creates everything, and counts the cases that are there."""
    run_sql(MONTHS)
    run_sql(COUNTS)
    run_sql(REVIEWS)
    run_sql(GROUP)
