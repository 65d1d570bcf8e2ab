"""The queries on who works at the desk."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, any_, literal, or_, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.desk.list_repository import IS_OPEN
from services.routing.desk.repository import CaseRow, all_cases
from services.routing.tables import cases, staff
from shared.contracts.gateway import StaffChangedData

DESK = ("officer", "manager", "centre")


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to; None narrows nothing."""

    department: str | None = None
    province: str | None = None
    role: str | None = None
    active: bool | None = None


def has_role(role: str) -> ColumnElement[bool]:
    """The condition for accounts that have a role."""
    return literal(role) == any_(staff.c.roles)


def reaches(department_id: Any, province: Any) -> ColumnElement[bool]:
    """The condition for who may have a case of that department and province (columns or values), by the rule of
    ``desk.repository.reach``."""
    of_province = or_(staff.c.province.is_(None), staff.c.province == province)
    of_department = or_(has_role("manager"), and_(has_role("officer"), of_province))
    return and_(staff.c.active, or_(has_role("centre"), and_(staff.c.department_id == department_id, of_department)))


async def keep(connection: AsyncConnection, data: StaffChangedData) -> None:
    """An account as it was told, unless a later state of it is known."""
    row = insert(staff).values(**data.model_dump(exclude={"roles"}), roles=list(data.roles))
    changed = {column.name: row.excluded[column.name] for column in staff.c if column.name != "username"}
    await connection.execute(
        row.on_conflict_do_update(
            index_elements=[staff.c.username], set_=changed, where=staff.c.version < row.excluded.version
        )
    )


async def member(connection: AsyncConnection, username: str) -> Row[Any] | None:
    """Somebody who works at the desk, disabled or not."""
    query = select(staff).where(staff.c.username == username, or_(*map(has_role, DESK)))
    return (await connection.execute(query)).one_or_none()


async def may_have(connection: AsyncConnection, username: str, department_id: str, province: str) -> bool:
    """Whether somebody may have a case of that department and province."""
    query = select(staff.c.username).where(staff.c.username == username, reaches(department_id, province))
    return await connection.scalar(query) is not None


async def members(
    connection: AsyncConnection, filters: Filters, *, after: str | None, limit: int
) -> Sequence[Row[Any]]:
    """Who works at the desk, by username; one more than ``limit`` if there are more. Those of a province are there with
    those of all of them."""
    query = select(staff).where(or_(*map(has_role, DESK))).order_by(staff.c.username).limit(limit + 1)
    if filters.department is not None:
        query = query.where(staff.c.department_id == filters.department)
    if filters.province is not None:
        query = query.where(or_(staff.c.province == filters.province, staff.c.province.is_(None)))
    if filters.role is not None:
        query = query.where(has_role(filters.role))
    if filters.active is not None:
        query = query.where(staff.c.active == filters.active)
    if after is not None:
        query = query.where(staff.c.username > after)
    return (await connection.execute(query)).all()


async def told_at(connection: AsyncConnection, level: str, case: CaseRow) -> list[str]:
    """Whom a level of the escalation is: who has the case (else the officers who may), the department's managers, or
    the centre; by username, of those who are there."""
    condition = has_role(level)
    if level != "centre":
        condition = and_(condition, reaches(case.department_id, case.province))
    if level == "officer" and case.assignee is not None:
        condition = and_(condition, staff.c.username == case.assignee)
    query = select(staff.c.username).where(staff.c.active, condition).order_by(staff.c.username)
    return list((await connection.execute(query)).scalars())


async def left_behind(connection: AsyncConnection, *, limit: int) -> Sequence[CaseRow]:
    """Open cases of somebody who may not have them any more, locked; those another worker holds are left to it."""
    query = (
        all_cases()
        .join(staff, staff.c.username == cases.c.assignee)
        .where(IS_OPEN, reaches(cases.c.department_id, cases.c.province).is_not(true()))
        .order_by(cases.c.id)
        .limit(limit)
        .with_for_update(of=cases, skip_locked=True)
    )
    rows: Sequence[CaseRow] = (await connection.execute(query)).all()
    return rows
