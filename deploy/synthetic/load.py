"""Brings synthetic cases into the databases by COPY: intake and routing whole, to sms and letters whom they concern.

What stands there afterwards is what the services would have written, but for what is of the moment only: no events wait
to be sent and no SMS is: nobody's phone rings for the past. For the same reason the cases have no number (``reachable``
is false), so that a later step is kept as a text that cannot be sent. Decided cases have no letter.
"""

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from deploy.synthetic.country import DAYS, PLANTED, Category, Filing, filings, month_ago
from deploy.synthetic.life import Life
from deploy.synthetic.words import examples, folded, written
from shared.contracts.registry import SMS_STEPS
from shared.kit.sealing import KeyRing, seal
from shared.persian.calendar import TEHRAN
from shared.persian.identifiers import new_tracking_code
from shared.persian.places import PROVINCES

CHUNK = 4000
_PART_DAYS = 15
"""Of the two years, how many are one process's work at a time."""
_NAMES = ("زهرا محمدی", "علی رضایی", "مریم حسینی", "حسن کریمی", "فاطمه احمدی", "محمد مرادی", "نرگس جعفری")
_CHOSEN = '{"method": "citizen", "confidence": 1.0, "top": [], "rule": null, "model": null, "model_sha256": null}'
"""The citizen chose the category; no model was asked."""
_SEARCH_INDEXES = {
    "cases_words": "CREATE INDEX cases_words ON cases USING gin (department_id, province, left(id::text, 5), words)",
    "cases_spaceless": (
        "CREATE INDEX cases_spaceless ON cases"
        " USING gin (department_id, province, left(id::text, 5), spaceless gin_trgm_ops)"
    ),
}
"""They are made anew afterwards, which takes a fraction of keeping them current row by row."""


@dataclass(frozen=True)
class Databases:
    """Connections to the four databases that know of cases."""

    intake: asyncpg.Connection
    routing: asyncpg.Connection
    sms: asyncpg.Connection
    letters: asyncpg.Connection


@dataclass(frozen=True)
class Keys:
    """The rings that the rows are sealed under."""

    contact: KeyRing
    text: KeyRing
    step: KeyRing


@dataclass
class Rows:
    """Rows of a chunk, by database and table."""

    of: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, database: str, table: str, *rows: dict[str, Any]) -> None:
        """Rows of one table, all with the same columns."""
        self.of.setdefault((database, table), []).extend(rows)


@dataclass(frozen=True)
class Country:
    """What is loaded: about ``count`` cases until ``now`` (UTC); another ``seed`` makes another country."""

    count: int
    seed: int
    now: datetime


async def load(
    dsns: Mapping[str, str], keys_dir: Path, country: Country, *, tell: Callable[[str], object], processes: int = 2
) -> int:
    """The country's cases into the databases of ``dsns`` (intake, routing, sms and letters), sealed under the rings of
    ``keys_dir``; how many. The directory must be filled. ``tell`` hears how far it is."""
    started = time.monotonic()
    async with connected(dsns) as databases:
        await _prepare(databases, country.now)
    done = 0
    parts = [(dict(dsns), keys_dir, country, range(n, min(n + _PART_DAYS, DAYS))) for n in range(0, DAYS, _PART_DAYS)]
    loop, spawning = asyncio.get_running_loop(), multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawning) as pool:
        for n, part in enumerate(asyncio.as_completed([loop.run_in_executor(pool, _in_process, *p) for p in parts]), 1):
            done += await part
            if n % 5 == 0:
                tell(f"{done:,} cases, {done / (time.monotonic() - started):,.0f}/s")
    tell("search indexes …")
    # both at once: one is short, and there are processors for two
    await asyncio.gather(*(_made(dsns["routing"], statement) for statement in _SEARCH_INDEXES.values()))
    async with connected(dsns) as databases:
        for connection in (databases.intake, databases.routing, databases.sms, databases.letters):
            await connection.execute("ANALYZE")
    tell(f"{done:,} cases in {time.monotonic() - started:,.0f} s")
    return done


@asynccontextmanager
async def connected(dsns: Mapping[str, str]) -> AsyncIterator[Databases]:
    """Connections to the databases while the block runs."""
    async with AsyncExitStack() as stack:
        connections = {}
        for name, dsn in dsns.items():
            connections[name] = await asyncpg.connect(dsn, timeout=10)
            stack.push_async_callback(connections[name].close)
        yield Databases(**connections)


def _in_process(dsns: Mapping[str, str], keys_dir: Path, country: Country, days: range) -> int:
    return asyncio.run(load_days(dsns, keys_dir, country, days))


async def load_days(dsns: Mapping[str, str], keys_dir: Path, country: Country, days: range) -> int:
    """The cases filed on some days, counted from the country's first; how many."""
    keys = Keys(*(KeyRing.load(keys_dir / f"{name}.json") for name in ("contact", "text", "step")))
    done = 0
    async with connected(dsns) as databases:
        names, categories, version = await _directory(databases.routing)
        maker = _Maker(keys, names, version, country.now, Random(f"{country.seed} {days.start}"))
        filed = filings(categories, country.count, country.now, country.seed, days)
        while chunk := list(islice(filed, CHUNK)):
            await _copy(databases, maker.rows(chunk))
            done += len(chunk)
    return done


def planted_lines(now: datetime) -> list[str]:
    """What was planted, to be found again in the reviews."""
    today = now.astimezone(TEHRAN).date()
    return [
        f"{month_ago(today, p.months_ago)}  {p.category_id} in {PROVINCES[p.province].name_en}: × {p.factor:g}"
        for p in PLANTED
    ]


class _Maker:
    """Makes the rows of filings."""

    def __init__(self, keys: Keys, names: dict[str, Any], version: int, now: datetime, chance: Random) -> None:
        self._keys = keys
        self._names = names
        self._version = version
        self._now = now
        self._chance = chance
        self._examples = examples()
        self._people: list[UUID] = []

    def rows(self, chunk: Sequence[Filing]) -> Rows:
        """The rows of a chunk."""
        rows = Rows()
        for filing in chunk:
            life = Life(self._chance, filing, self._now, self._keys.step, self._keys.text)
            life.live()
            self._case(rows, filing, life)
        return rows

    def _person(self) -> UUID:
        """A citizen; every tenth filed before."""
        if self._people and self._chance.random() < 0.1:
            return self._people[self._chance.randrange(len(self._people))]
        person = UUID(int=self._chance.getrandbits(128))
        if len(self._people) < 5000:
            self._people.append(person)
        else:
            self._people[self._chance.randrange(5000)] = person
        return person

    def _case(self, rows: Rows, filing: Filing, life: Life) -> None:
        category = self._names[f"category:{filing.category.id}"]
        department = self._names[f"department:{filing.category.department_id}"]
        kinds = self._examples.get(filing.category.id) or [category["name_fa"]]
        subject, parts = written(self._chance, category["name_fa"], kinds)
        owner = str(life.id).encode()
        contact = self._contact(filing)
        contact_sealed = seal(self._keys.contact, contact, b"contact:" + owner)
        body = " ".join(parts)
        text_sealed = seal(self._keys.text, orjson.dumps({"subject": subject, "body": body}), b"text:" + owner)
        shared = {
            "tracking_code": new_tracking_code(),
            "citizen_id": self._person(),
            "kind": filing.kind,
            "language": "fa",
            "registered_at": filing.at,
        }
        known = {
            **shared,
            "id": life.id,
            "channel": filing.channel,
            "province": filing.province,
            "county": filing.county,
            "registered_event_id": life.event_id,
            "last_event_id": life.last_event_id,
            "status": life.status,
            "due_at": life.due,
            "decided_at": life.decided_at,
        }
        of_intake = {
            "category_id": filing.category.id,
            "contact_sealed": contact_sealed,
            "text_sealed": text_sealed,
            "sequence": life.of_intake,
            "state_sequence": life.sequence,
            "department": orjson.dumps(department).decode(),
            "category": orjson.dumps(category).decode(),
            "outcome": life.outcome if life.decided_at else None,
        }
        rows.add("intake", "cases", {**known, **of_intake})
        rows.add("intake", "tracking_codes", {"code": shared["tracking_code"], "case_id": life.id})
        rows.add("intake", "timeline", *life.timeline)
        rows.add("intake", "messages", *life.messages)
        if life.rating is not None:
            rating = {"case_id": life.id, "score": life.rating, "comment_sealed": None, "at": life.rated_at}
            rows.add("intake", "ratings", rating)
        words = " ".join(folded(part) for part in (subject, *parts))
        of_routing = {
            "reachable": False,
            "subject": subject,
            "body": body,
            "folded": words,
            "spaceless": words.replace(" ", ""),
            "department_id": filing.category.department_id,
            "category_id": filing.category.id,
            "assignee": life.assignee,
            "routing": _CHOSEN,
            "chosen_category_id": filing.category.id,
            "directory_version": self._version,
            "sla_days": filing.category.sla_days,
            "term_days": life.days,
            "escalation": life.escalation,
            "next_clock_at": life.next_clock_at(),
            "paused_at": life.paused_at,
            "extended": life.extended,
            "decision": orjson.dumps(life.decision).decode() if life.decision else None,
            "decision_no": life.decision_no,
            "decided_by": life.decided_by,
            "reopened_at": life.reopened_at,
            "rating": life.rating,
            "version": life.version,
            "sequence": life.sequence,
        }
        rows.add("routing", "cases", {**known, **of_routing})
        rows.add("routing", "steps", *life.steps)
        contact_row = {"case_id": life.id, "tracking_code": shared["tracking_code"], "language": "fa", "sequence": 1}
        rows.add("sms", "contacts", contact_row)
        # the next step of the case waits for this one's text, which there was in its time
        rows.add("sms", "inbox", {"consumer": SMS_STEPS.name, "event_id": life.last_event_id})
        recipient = {**shared, "case_id": life.id, "contact_sealed": contact_sealed, "sequence": 1}
        rows.add("letters", "recipients", recipient)

    def _contact(self, filing: Filing) -> bytes:
        province = PROVINCES[filing.province]
        address = {"province": filing.province, "city": province.capital_fa, "line": "خیابان نمونه، پلاک ۱"}
        return orjson.dumps(
            {
                "full_name": self._chance.choice(_NAMES),
                "national_id": None,
                "mobile": None,
                "postal_address": {**address, "postal_code": "1968943117"},
            }
        )


async def _copy(databases: Databases, rows: Rows) -> None:
    for (database, table), records in rows.of.items():
        if not records:
            continue
        connection: asyncpg.Connection = getattr(databases, database)
        columns = list(records[0])
        await connection.copy_records_to_table(table, records=[tuple(r.values()) for r in records], columns=columns)


async def _directory(routing: asyncpg.Connection) -> tuple[dict[str, Any], list[Category], int]:
    version = await routing.fetchval("SELECT version FROM directory_version")
    if version is None:
        raise SystemExit("The directory is empty; start the system once, or seed it.")
    departments = await routing.fetch("SELECT id, name_fa, name_en FROM departments WHERE pipeline = 'zrm' AND active")
    categories = await routing.fetch(
        "SELECT c.id, c.name_fa, c.name_en, c.department_id, c.sla_days FROM categories c"
        " JOIN departments d ON d.id = c.department_id WHERE d.pipeline = 'zrm' AND d.active AND c.active"
        " ORDER BY c.position"
    )
    ref = ("id", "name_fa", "name_en")
    names = {f"department:{row['id']}": {name: row[name] for name in ref} for row in departments}
    names |= {f"category:{row['id']}": {name: row[name] for name in ref} for row in categories}
    return names, [Category(row["id"], row["department_id"], row["sla_days"]) for row in categories], version


async def _prepare(databases: Databases, now: datetime) -> None:
    """The past's partitions; no search indexes for now."""
    await databases.intake.execute(
        "SELECT ensure_case_partition(m::date) FROM generate_series($1::date, $2::date, interval '1 month') AS m",
        (now - timedelta(days=DAYS + 3)).date().replace(day=1),
        now.date(),
    )
    for name in _SEARCH_INDEXES:
        await databases.routing.execute(f"DROP INDEX IF EXISTS {name}")


async def _made(dsn: str, index: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute("SET maintenance_work_mem = '256MB'")
        await connection.execute(index)
    finally:
        await connection.close()
