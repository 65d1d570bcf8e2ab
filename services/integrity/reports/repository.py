"""The queries on reports that filing, steps and the reporter's box share."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.tables import (
    grants,
    identity_shares,
    recovery_shares,
    report_epochs,
    report_exclusions,
    report_files,
    report_steps,
    reports,
)

ReportRow = Any
_FILES_LOCK = 5315
"""The advisory lock's key, beside those of the kit, the sequencer, holders and Idempotency-Keys."""


async def report_by_id(connection: AsyncConnection, report_id: UUID, *, lock: bool = False) -> ReportRow | None:
    """A report; with ``lock`` the row is the caller's until the transaction ends."""
    query = select(reports).where(reports.c.id == report_id)
    return (await connection.execute(query.with_for_update() if lock else query)).one_or_none()


async def report_by_locator(connection: AsyncConnection, locator: str, *, lock: bool = False) -> ReportRow | None:
    """The report whose receipt code has that locator; with ``lock`` as :func:`report_by_id`."""
    query = select(reports).where(reports.c.locator == locator)
    return (await connection.execute(query.with_for_update() if lock else query)).one_or_none()


def new_report(**columns: Any) -> ReportRow:
    """The row of a report that has no step yet, as far as it is known."""
    return SimpleNamespace(**{**dict.fromkeys(reports.c.keys()), "version": 0, "seq": 0, **columns})


def changed(report: ReportRow, columns: Mapping[str, Any]) -> ReportRow:
    """A report's row with other values in some columns."""
    return SimpleNamespace(**{**{column.name: getattr(report, column.name) for column in reports.c}, **columns})


async def add_reports(connection: AsyncConnection, rows: Sequence[ReportRow]) -> None:
    """New reports as they stand after their first steps; IntegrityError if an id, a number or a locator is taken."""
    await connection.execute(insert(reports), [vars(row) for row in rows])


async def locators_taken(connection: AsyncConnection, locators: Iterable[str]) -> set[str]:
    """Those that are a report's."""
    return set(await connection.scalars(select(reports.c.locator).where(reports.c.locator.in_(list(locators)))))


async def change_report(connection: AsyncConnection, report_id: UUID, **values: Any) -> None:
    """Sets columns of a report."""
    await connection.execute(update(reports).where(reports.c.id == report_id).values(**values))


async def add_steps(connection: AsyncConnection, steps: Iterable[tuple[Any, bytes, bytes]]) -> None:
    """Steps, each as a dataclass with the columns' names, its leaf's hash, and the manifest that the leaf covers."""
    await connection.execute(
        insert(report_steps), [{**_values(step), "leaf": leaf, "manifest": manifest} for step, leaf, manifest in steps]
    )


async def steps_of(connection: AsyncConnection, report_id: UUID, *, visible: bool = False) -> Sequence[Row[Any]]:
    """The steps of a report in their order; with ``visible`` only what the reporter is shown."""
    query = select(report_steps).where(report_steps.c.report_id == report_id).order_by(report_steps.c.seq)
    return (await connection.execute(query.where(report_steps.c.visible) if visible else query)).all()


Brought = Iterable[tuple[UUID, int, Any]]
"""What steps brought: the report, the step's number, and a dataclass with the columns' names."""


async def add_epochs(connection: AsyncConnection, new: Brought) -> None:
    """Keys of reports that begin at a step."""
    await _insert(connection, report_epochs, _rows(new))


async def add_grants(connection: AsyncConnection, new: Brought) -> None:
    """Grants that steps give."""
    await _insert(connection, grants, _rows(new))


async def revoke_grants(connection: AsyncConnection, report_id: UUID, seq: int, holders: Iterable[str]) -> None:
    """Ends the grants of holders, as of a step."""
    names = list(holders)
    if names:
        await connection.execute(
            update(grants)
            .where(grants.c.report_id == report_id, grants.c.holder.in_(names), grants.c.revoked_seq.is_(None))
            .values(revoked_seq=seq)
        )


async def add_shares(connection: AsyncConnection, new: Brought) -> None:
    """Shares among custodians, of the report's key where they name an epoch, else of the identity's."""
    rows = [{**row, "among": list(row["among"])} for row in _rows(new)]
    recovery = [row for row in rows if row["epoch"] is not None]
    identity = [{name: value for name, value in row.items() if name != "epoch"} for row in rows if row["epoch"] is None]
    await _insert(connection, recovery_shares, recovery)
    await _insert(connection, identity_shares, identity)


async def add_files(connection: AsyncConnection, new: Brought) -> None:
    """Files that steps bring."""
    await _insert(connection, report_files, _rows(new))


async def add_exclusions(connection: AsyncConnection, new: Brought) -> None:
    """Holders whom steps keep out of reports for good."""
    await _insert(connection, report_exclusions, _rows(new))


async def next_file(connection: AsyncConnection, report_id: UUID) -> int:
    """The number of a report's next file; the caller holds the report's row."""
    last = select(func.max(report_files.c.n)).where(report_files.c.report_id == report_id)
    return (await connection.scalar(last) or 0) + 1


async def keep_files(connection: AsyncConnection, *, away: bool = False) -> None:
    """Until the transaction ends nobody sweeps files away; with ``away`` nobody takes any in, either."""
    lock = "pg_advisory_xact_lock" if away else "pg_advisory_xact_lock_shared"
    await connection.execute(text(f"SELECT {lock}({_FILES_LOCK}, 0)"))


async def strays(connection: AsyncConnection, hashes: Collection[bytes]) -> Collection[bytes]:
    """Those of the hashes of sealed files that no report has."""
    columns = (report_files.c.original_sha256, report_files.c.cleaned_sha256)
    known: set[bytes] = set()
    for column in columns:
        known |= set((await connection.execute(select(column).where(column.in_(hashes)))).scalars())
    return set(hashes) - known


def _values(row: Any) -> dict[str, Any]:
    """A dataclass as a row (``asdict`` would copy what is in it)."""
    return {field.name: getattr(row, field.name) for field in fields(row)}


def _rows(brought: Brought) -> list[dict[str, Any]]:
    return [{"report_id": report_id, "seq": seq, **_values(item)} for report_id, seq, item in brought]


async def _insert(connection: AsyncConnection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        await connection.execute(insert(table), rows)
