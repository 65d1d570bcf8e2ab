"""The query for cases that resemble one: first who may, by person or by matter and place, then how much."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.desk.list_repository import first_id
from services.routing.desk.repository import CaseRow, reach
from services.routing.tables import cases
from shared.kit.auth import Principal
from shared.persian.text import spaceless

WITHIN = timedelta(days=90)
_OF_PERSON = 50
_OF_PLACE = 200
_SHOWN = 5
_ALIKE = 0.25
_COMPARED = 1000
"""Characters of each text that are compared: likeness costs by length, and a complaint says what it is about early."""


async def similar_to(connection: AsyncConnection, principal: Principal, case: CaseRow) -> Sequence[Any]:
    """At most five cases within reach that resemble ``case``, the most alike first, with ``score`` and
    ``same_person``."""
    text = spaceless(f"{case.subject} {case.body}")[:_COMPARED]
    others = select(cases.c.id).where(cases.c.id != case.id)
    place = others.where(
        cases.c.category_id == case.category_id,
        cases.c.province == case.province,
        cases.c.county.is_not_distinct_from(case.county),
        cases.c.id.between(first_id(case.registered_at - WITHIN), first_id(case.registered_at + WITHIN)),
    ).order_by(cases.c.id.desc())
    person = others.where(cases.c.citizen_id == case.citizen_id).order_by(cases.c.id.desc())
    blocked = place.limit(_OF_PLACE).subquery().select().union(person.limit(_OF_PERSON).subquery().select())
    score = func.similarity(func.left(cases.c.spaceless, _COMPARED), literal(text))
    same = func.coalesce(cases.c.citizen_id == case.citizen_id, False)
    query = (
        select(
            cases.c.id,
            cases.c.tracking_code,
            cases.c.subject,
            cases.c.status,
            cases.c.registered_at,
            same.label("same_person"),
            score.label("score"),
        )
        .where(cases.c.id.in_(blocked), reach(principal), score >= _ALIKE)
        .order_by(score.desc(), cases.c.id.desc())
        .limit(_SHOWN)
    )
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows
