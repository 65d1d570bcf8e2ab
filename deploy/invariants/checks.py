"""The invariants (DESIGN, guarantee 7). Each names what breaks it: ids and counts, never anything of a person's."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

SETTLING = timedelta(seconds=60)
"""What is younger may still be on its way."""
OUTBOX_SECONDS = 30
_SHOWN = 5

Databases = Mapping[str, asyncpg.Connection]


@dataclass(frozen=True)
class Window:
    """The cases looked at: registered from ``since`` (UTC) on, and old enough to be settled."""

    since: datetime

    @property
    def until(self) -> datetime:
        """The end of what has settled."""
        return datetime.now(UTC) - SETTLING


@dataclass(frozen=True)
class Broken:
    """How often an invariant is broken, and a few examples."""

    count: int
    examples: tuple[str, ...] = ()


Check = Callable[[Databases, Window], Awaitable[Broken]]


def _of(found: set[object]) -> Broken:
    return Broken(len(found), tuple(sorted(map(str, found))[:_SHOWN]))


async def _ids(connection: asyncpg.Connection, query: str, *values: object) -> set[object]:
    return {record[0] for record in await connection.fetch(query, *values)}


async def _filed(databases: Databases, window: Window) -> set[object]:
    query = "SELECT id FROM cases WHERE registered_at >= $1 AND registered_at < $2"
    return await _ids(databases["intake"], query, window.since, window.until)


async def case_without_text(databases: Databases, window: Window) -> Broken:
    """Every registered case has a row for its registration SMS, be it only to say that there is no number."""
    told = await _ids(
        databases["sms"],
        "SELECT case_id FROM messages WHERE template = 'case.registered' AND created_at >= $1",
        window.since,
    )
    return _of(await _filed(databases, window) - told)


async def case_without_desk(databases: Databases, window: Window) -> Broken:
    """Every registered case is at a department or in triage."""
    known = await _ids(
        databases["routing"],
        "SELECT id FROM cases WHERE registered_at >= $1 AND (department_id IS NOT NULL OR status IN"
        " ('registered', 'withdrawn', 'moved'))",
        window.since,
    )
    return _of(await _filed(databases, window) - known)


async def decision_without_letter(databases: Databases, window: Window) -> Broken:
    """Every decided case has its signed letter, unless it was moved before the letter was made."""
    decided = await _ids(
        databases["routing"],
        "SELECT (id, decision_no) FROM cases WHERE decided_at >= $1 AND decided_at < $2 AND decision_no > 0",
        window.since,
        window.until,
    )
    issued = await _ids(
        databases["letters"],
        "SELECT (case_id, decision_no) FROM letters WHERE state IN ('archived', 'superseded', 'moved')"
        " AND created_at >= $1",
        window.since,
    )
    return _of(decided - issued)


async def stale_outbox(databases: Databases, _window: Window) -> Broken:
    """No event waits longer than 30 seconds for its relay."""
    count = 0
    for connection in databases.values():
        count += await connection.fetchval(
            "SELECT count(*) FROM outbox WHERE created_at < now() - make_interval(secs => $1)", float(OUTBOX_SECONDS)
        )
    return Broken(count)


async def parked_without_owner(databases: Databases, _window: Window) -> Broken:
    """Every parked event is replayed, or somebody has taken it on."""
    found: set[object] = set()
    for name, connection in databases.items():
        query = "SELECT id FROM parked WHERE replayed_at IS NULL AND owner IS NULL"
        found |= {f"{name}:{id}" for id in await _ids(connection, query)}
    return _of(found)


async def gap_in_numbers(databases: Databases, _window: Window) -> Broken:
    """The letters of a year and office are numbered 1 to n, each once."""
    query = (
        "SELECT c.year || '/' || c.office FROM counters c LEFT JOIN letters l USING (year, office)"
        " GROUP BY c.year, c.office, c.n HAVING count(l.n) <> c.n OR max(l.n) <> c.n OR min(l.n) <> 1"
    )
    return _of(await _ids(databases["letters"], query))


async def clock_lost(databases: Databases, _window: Window) -> Broken:
    """Every case that is dealt with has its next strike, unless all levels were told; and no strike is long past."""
    query = (
        "SELECT id FROM cases WHERE status IN ('assigned', 'in_progress', 'reopened')"
        " AND (next_clock_at IS NULL AND escalation < 3 OR next_clock_at < now() - interval '10 minutes')"
    )
    return _of(await _ids(databases["routing"], query))


async def statuses_disagree(databases: Databases, window: Window) -> Broken:
    """Every filed case stands in exactly one status, and intake shows the one that routing says."""
    query = "SELECT id, status FROM cases WHERE registered_at >= $1 AND registered_at < $2"
    shown = {r["id"]: r["status"] for r in await databases["intake"].fetch(query, window.since, window.until)}
    held = {r["id"]: r["status"] for r in await databases["routing"].fetch(query, window.since, window.until)}
    return _of({id for id in shown.keys() | held.keys() if shown.get(id) != held.get(id)})


async def review_miscounts(databases: Databases, window: Window) -> Broken:
    """The monthly counts of the months looked at are those of the cases."""
    query = (
        "SELECT m.month FROM jalali_months m WHERE m.until > $1 AND m.since <= now() AND ROW("
        "(SELECT count(*) FROM cases WHERE registered_at >= m.since AND registered_at < m.until),"
        "(SELECT count(*) FROM cases WHERE decided_at >= m.since AND decided_at < m.until),"
        "(SELECT count(*) FROM cases WHERE reopened_at >= m.since AND reopened_at < m.until)) IS DISTINCT FROM"
        " (SELECT ROW(coalesce(sum(filed), 0), coalesce(sum(decided), 0), coalesce(sum(reopened), 0))"
        " FROM review_counts WHERE month = m.month)"
    )
    return _of(await _ids(databases["routing"], query, window.since))


async def month_not_closed(databases: Databases, _window: Window) -> Broken:
    """A month that has been over for two hours is closed."""
    query = (
        "SELECT m.month FROM jalali_months m WHERE m.until < now() - interval '2 hours'"
        " AND m.month >= (SELECT min(month) FROM review_counts) AND NOT EXISTS"
        " (SELECT FROM reviews r WHERE r.month = m.month)"
    )
    return _of(await _ids(databases["routing"], query))


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        case_without_text,
        case_without_desk,
        decision_without_letter,
        stale_outbox,
        parked_without_owner,
        gap_in_numbers,
        clock_lost,
        statuses_disagree,
        review_miscounts,
        month_not_closed,
    )
}
