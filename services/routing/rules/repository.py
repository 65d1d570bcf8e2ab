"""The query for the cases that a dry run looks at."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.tables import cases

_COLUMNS = (
    cases.c.id,
    cases.c.kind,
    cases.c.province,
    cases.c.county,
    cases.c.subject,
    cases.c.body,
    cases.c.chosen_category_id,
    cases.c.organisation_id,
    cases.c.registered_at,
)


async def filed_since(
    connection: AsyncConnection, since: datetime, *, before: UUID | None, limit: int
) -> Sequence[Any]:
    """Cases registered from ``since`` on, the newest first, from ``before`` on."""
    query = select(*_COLUMNS).where(cases.c.registered_at >= since).order_by(cases.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(cases.c.id < before)
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows
