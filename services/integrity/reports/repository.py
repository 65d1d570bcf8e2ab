"""The queries on reports that filing, steps and the reporter's box share."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.tables import (
    grants,
    identity_shares,
    recovery_shares,
    report_epochs,
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


async def report_by_locator(connection: AsyncConnection, locator: str) -> ReportRow | None:
    """The report whose receipt code has that locator."""
    return (await connection.execute(select(reports).where(reports.c.locator == locator))).one_or_none()


async def add_report(connection: AsyncConnection, **values: Any) -> ReportRow:
    """A new report, with no step yet; IntegrityError if its id, number or locator is taken."""
    return (await connection.execute(insert(reports).values(**values).returning(reports))).one()


async def change_report(connection: AsyncConnection, report_id: UUID, **values: Any) -> ReportRow:
    """Sets columns of a report; its row after that."""
    changed = update(reports).where(reports.c.id == report_id).values(**values).returning(reports)
    return (await connection.execute(changed)).one()


async def add_step(connection: AsyncConnection, step: Any, *, leaf: bytes, manifest: bytes) -> None:
    """A step, as a dataclass with the columns' names; its leaf's hash, and the manifest that the leaf covers."""
    await connection.execute(insert(report_steps).values(**_values(step), leaf=leaf, manifest=manifest))


async def steps_of(connection: AsyncConnection, report_id: UUID, *, visible: bool = False) -> Sequence[Row[Any]]:
    """The steps of a report in their order; with ``visible`` only what the reporter is shown."""
    query = select(report_steps).where(report_steps.c.report_id == report_id).order_by(report_steps.c.seq)
    return (await connection.execute(query.where(report_steps.c.visible) if visible else query)).all()


async def add_epochs(connection: AsyncConnection, report_id: UUID, seq: int, new: Iterable[Any]) -> None:
    """Keys of a report that begin at a step."""
    await _insert(connection, report_epochs, report_id, seq, [_values(item) for item in new])


async def add_grants(connection: AsyncConnection, report_id: UUID, seq: int, new: Iterable[Any]) -> None:
    """Grants that a step gives."""
    await _insert(connection, grants, report_id, seq, [_values(item) for item in new])


async def revoke_grants(connection: AsyncConnection, report_id: UUID, seq: int, holders: Iterable[str]) -> None:
    """Ends the grants of holders, as of a step."""
    names = list(holders)
    if names:
        await connection.execute(
            update(grants)
            .where(grants.c.report_id == report_id, grants.c.holder.in_(names), grants.c.revoked_seq.is_(None))
            .values(revoked_seq=seq)
        )


async def add_shares(connection: AsyncConnection, report_id: UUID, seq: int, new: Iterable[Any]) -> None:
    """Shares among custodians, of the report's key where they name an epoch, else of the identity's."""
    rows = [{**_values(share), "among": list(share.among)} for share in new]
    recovery = [row for row in rows if row["epoch"] is not None]
    identity = [{name: value for name, value in row.items() if name != "epoch"} for row in rows if row["epoch"] is None]
    await _insert(connection, recovery_shares, report_id, seq, recovery)
    await _insert(connection, identity_shares, report_id, seq, identity)


async def add_files(connection: AsyncConnection, report_id: UUID, seq: int, new: Iterable[Any]) -> None:
    """Files that a step brings."""
    await _insert(connection, report_files, report_id, seq, [_values(item) for item in new])


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


async def _insert(
    connection: AsyncConnection, table: Any, report_id: UUID, seq: int, rows: Sequence[dict[str, Any]]
) -> None:
    if rows:
        await connection.execute(insert(table), [{"report_id": report_id, "seq": seq, **row} for row in rows])
