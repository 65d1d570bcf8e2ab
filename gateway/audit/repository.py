"""The queries on who changed or read what."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.kit.ids import uuid7

_FILTERS = ("actor", "action", "subject")


async def record(
    connection: AsyncConnection, actor: str, action: str, subject: str | None, changes: Mapping[str, Any] | None = None
) -> None:
    """Keeps that ``actor`` did ``action`` (``staff.changed``) to ``subject``, in the transaction in which it is done.

    ``changes``: the fields by name, with new values that are neither secret nor a person's name, else True."""
    await connection.execute(
        text(
            "INSERT INTO admin_audit (id, actor, action, subject, changes)"
            " VALUES (:id, :actor, :action, :subject, CAST(:changes AS jsonb))"
        ),
        {
            "id": uuid7(),
            "actor": actor,
            "action": action,
            "subject": subject,
            "changes": orjson.dumps(dict(changes or {})).decode(),
        },
    )


async def entries(
    connection: AsyncConnection, filters: Mapping[str, str | None], *, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """The record, the newest first, narrowed to an ``actor``, ``action`` or ``subject``; one more than ``limit`` if
    there are more."""
    given = {name: filters.get(name) for name in _FILTERS if filters.get(name) is not None}
    conditions = [f"{name} = :{name}" for name in given] + (["id < :before"] if before else [])
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    query = f"SELECT id, at, actor, action, subject, changes FROM admin_audit{where} ORDER BY id DESC LIMIT :limit"
    values = {**given, "limit": limit + 1, **({"before": before} if before else {})}
    return (await connection.execute(text(query), values)).all()
