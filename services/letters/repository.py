"""The queries on letters, their numbers and recipients."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.letters.numbering import LetterNumber, jalali_year

LEASE_SECONDS = 120


async def put_recipient(connection: AsyncConnection, **values: Any) -> None:
    """Keeps to whom a case's letters go."""
    await connection.execute(
        text(
            "INSERT INTO recipients (case_id, tracking_code, citizen_id, language, kind, registered_at, contact_sealed,"
            " sequence) VALUES (:case_id, :tracking_code, :citizen_id, :language, :kind, :registered_at,"
            " :contact_sealed, :sequence) ON CONFLICT (case_id) DO NOTHING"
        ),
        values,
    )


async def change_recipient(connection: AsyncConnection, case_id: UUID, *, contact_sealed: str, sequence: int) -> bool:
    """Takes a newer contact; False if the case is not known yet."""
    changed = await connection.execute(
        text(
            "UPDATE recipients SET contact_sealed = CASE WHEN sequence < :sequence THEN :contact ELSE contact_sealed"
            " END, sequence = greatest(sequence, :sequence) WHERE case_id = :case_id"
        ),
        {"case_id": case_id, "contact": contact_sealed, "sequence": sequence},
    )
    return changed.rowcount == 1


async def forget_recipient(connection: AsyncConnection, case_id: UUID) -> bool:
    """Forgets whose case it is, for good: nothing newer is taken. False if the case is not known yet."""
    forgotten = await connection.execute(
        text(
            "UPDATE recipients SET contact_sealed = '', citizen_id = NULL, sequence = 2147483647"
            " WHERE case_id = :case_id"
        ),
        {"case_id": case_id},
    )
    return forgotten.rowcount == 1


async def add_draft(connection: AsyncConnection, **values: Any) -> None:
    """A decision asks for a letter; the same decision twice asks for one."""
    await connection.execute(
        text(
            "INSERT INTO letters (id, case_id, decision_no, cause_id, outcome, letter_sealed, department_fa,"
            " department_en, decided_at, state, traceparent) VALUES (:id, :case_id, :decision_no, :cause_id, :outcome,"
            " :letter_sealed, :department_fa, :department_en, :decided_at, 'draft', :traceparent)"
            " ON CONFLICT (case_id, decision_no) DO NOTHING"
        ),
        values,
    )


async def claim(connection: AsyncConnection, *, limit: int) -> Sequence[Any]:
    """Letters to be made whose recipient is known, leased to the caller for ``LEASE_SECONDS``, the oldest first.
    ``contact_sealed`` is empty where the recipient was forgotten since (:func:`forget_recipient`). With the root of the
    log that the page prints (``log_day, log_index, log_size, log_root``; None while there is none): a draft's is the
    newest, a numbered letter's stays what it was."""
    rows: Sequence[Any] = (
        await connection.execute(
            text(
                "WITH due AS (SELECT l.id, CASE l.state WHEN 'draft' THEN (SELECT max(day) FROM log_roots)"
                " ELSE l.rooted_on END AS rooted_on FROM letters l JOIN recipients r USING (case_id)"
                " WHERE l.state IN ('draft', 'numbered') AND l.next_attempt_at <= clock_timestamp()"
                " ORDER BY l.created_at LIMIT :limit FOR UPDATE OF l SKIP LOCKED)"
                " UPDATE letters l SET attempts = l.attempts + 1,"
                " next_attempt_at = clock_timestamp() + make_interval(secs => :lease)"
                " FROM due LEFT JOIN log_roots g ON g.day = due.rooted_on, recipients r"
                " WHERE l.id = due.id AND r.case_id = l.case_id"
                " RETURNING l.*, r.tracking_code, r.language, r.kind, r.registered_at, r.contact_sealed,"
                " g.day AS log_day, g.index AS log_index, g.size AS log_size, g.root AS log_root"
            ),
            {"limit": limit, "lease": LEASE_SECONDS},
        )
    ).all()
    return rows


async def take_number(
    connection: AsyncConnection,
    letter_id: UUID,
    *,
    office: str,
    code: str,
    issued_at: datetime,
    rooted_on: date | None,
) -> Any:
    """The letter with its number, taken in this transaction: if it fails, no number is spent. The row of the counter
    stays locked until then, so numbers have no gaps and no doubles. The year is that of the date on the letter;
    ``rooted_on`` the day whose root of the log stands on its page."""
    year = jalali_year(issued_at)
    n = await connection.scalar(
        text(
            "INSERT INTO counters (year, office, n) VALUES (:year, :office, 1)"
            " ON CONFLICT (year, office) DO UPDATE SET n = counters.n + 1 RETURNING n"
        ),
        {"year": year, "office": office},
    )
    numbered = await connection.execute(
        text(
            "UPDATE letters SET state = 'numbered', year = :year, office = :office, n = :n, number = :number,"
            " code = :code, issued_at = :issued_at, rooted_on = :rooted_on WHERE id = :id AND state = 'draft'"
            " RETURNING number, code, issued_at"
        ),
        {
            "id": letter_id,
            "year": year,
            "office": office,
            "n": n,
            "number": str(LetterNumber(year, office, int(n))),
            "code": code,
            "issued_at": issued_at,
            "rooted_on": rooted_on,
        },
    )
    return numbered.one()


async def archived(connection: AsyncConnection, letter_id: UUID, *, sha256: str, told_on: date) -> Any:
    """The letter is signed and kept; None if another process was faster. An earlier letter of the case is superseded
    by it. ``told_on`` is the day, in Tehran, of its event."""
    row = (
        await connection.execute(
            text(
                "UPDATE letters SET state = 'archived', sha256 = :sha256, told_on = :told_on, sequence = sequence + 1,"
                " supersedes = (SELECT number FROM letters p WHERE p.case_id = letters.case_id"
                " AND p.decision_no < letters.decision_no AND p.number IS NOT NULL ORDER BY p.decision_no DESC LIMIT 1)"
                " WHERE id = :id AND state = 'numbered'"
                " RETURNING id, case_id, decision_no, cause_id, number, issued_at, sha256, supersedes, sequence"
            ),
            {"id": letter_id, "sha256": sha256, "told_on": told_on},
        )
    ).one_or_none()
    if row is not None and row.supersedes is not None:
        await connection.execute(
            text("UPDATE letters SET state = 'superseded', superseded_by = :by WHERE number = :number"),
            {"by": row.number, "number": row.supersedes},
        )
    return row


async def put_aside(connection: AsyncConnection, letter_id: UUID) -> None:
    """The text cannot be rendered: a person must look at it. Only a draft can be put aside, so no number is lost."""
    await connection.execute(
        text("UPDATE letters SET state = 'unrenderable' WHERE id = :id AND state = 'draft'"), {"id": letter_id}
    )


async def put_aside_moved(connection: AsyncConnection, letter_id: UUID) -> None:
    """The case was moved, and its recipient forgotten: the letter's text is, too. A draft spends no number; a number
    that was taken before stays this row's, so that none is missing."""
    await connection.execute(
        text(
            "UPDATE letters SET state = 'moved', letter_sealed = '' WHERE id = :id AND state IN ('draft', 'numbered')"
        ),
        {"id": letter_id},
    )


async def try_again(connection: AsyncConnection, letter_id: UUID, *, seconds: float) -> None:
    """The next attempt is due in ``seconds``."""
    await connection.execute(
        text("UPDATE letters SET next_attempt_at = clock_timestamp() + make_interval(secs => :seconds) WHERE id = :id"),
        {"id": letter_id, "seconds": seconds},
    )


async def newest_of_citizen(connection: AsyncConnection, case_id: UUID, citizen_id: UUID) -> Any:
    """The newest letter of a citizen's own case; None while there is none."""
    return (
        await connection.execute(
            text(
                "SELECT l.number, l.sha256 FROM letters l JOIN recipients r USING (case_id) WHERE case_id = :case_id"
                " AND r.citizen_id = :citizen_id AND l.state = 'archived' ORDER BY l.decision_no DESC LIMIT 1"
            ),
            {"case_id": case_id, "citizen_id": citizen_id},
        )
    ).one_or_none()


async def by_code(connection: AsyncConnection, code: str) -> Any:
    """The letter with that verification code, and what the log says of the day of its event (``log_day, log_leaf,
    log_index, log_size, log_root``; None until that is known); None if there is none."""
    return (
        await connection.execute(
            text(
                "SELECT number, issued_at, office, department_fa, department_en, state, sha256, superseded_by,"
                " g.day AS log_day, g.leaf AS log_leaf, g.index AS log_index, g.size AS log_size, g.root AS log_root"
                " FROM letters l LEFT JOIN log_roots g ON g.day = l.told_on"
                " WHERE code = :code AND state IN ('archived', 'superseded')"
            ),
            {"code": code},
        )
    ).one_or_none()


async def put_log_root(connection: AsyncConnection, **values: Any) -> None:
    """Keeps what the log says of a day (``day, leaf, index, size, root``); what was told first stays, since letters
    may have been printed with it."""
    await connection.execute(
        text(
            "INSERT INTO log_roots (day, leaf, index, size, root) VALUES (:day, :leaf, :index, :size, :root)"
            " ON CONFLICT (day) DO NOTHING"
        ),
        values,
    )
