"""Taking in a case and giving it to a department, in the transaction of its ``case.registered``."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.assignment.domain import Assignment, Category, Filing, Recogniser, Rule, assign
from services.routing.attachments import repository as attachments
from services.routing.desk import repository as desk
from services.routing.desk.moves import DEFAULT_SLA_DAYS
from services.routing.desk.story import Move, take
from services.routing.directory import repository as directory
from services.routing.keys import RoutingKeys
from shared.contracts.envelope import SYSTEM, CategoryRef, DepartmentRef
from shared.contracts.intake import CaseRegistered
from shared.contracts.routing import CaseAssigned, CaseAssignedData
from shared.kit.bus import Transient
from shared.kit.ids import uuid7
from shared.persian.calendar import CALENDAR


class Assigner:
    """Holds the directory in the form that assigning needs, read anew when its version changes."""

    def __init__(self, keys: RoutingKeys) -> None:
        self._keys = keys
        self._version = 0
        self._recogniser = Recogniser(())
        self._rules: tuple[Rule, ...] = ()
        self._rows: dict[str, Any] = {}

    async def register(self, connection: AsyncConnection, event: CaseRegistered) -> None:
        """Keeps the case and assigns it, or leaves it in triage. ``Transient`` before the directory is filled."""
        await self._refresh(connection)
        data, case_id = event.data, event.case_id
        if case_id is None:
            raise Transient("no case is named")
        text = self._keys.open_text(case_id, data.text_sealed)
        filing = Filing(data.kind, data.province, text["subject"], text["body"], data.category_id, data.organisation_id)
        assignment = assign(filing, self._rules, self._recogniser)
        await desk.add_case(
            connection,
            id=case_id,
            tracking_code=data.tracking_code,
            kind=data.kind,
            channel=data.channel,
            language=data.language,
            citizen_id=data.citizen_id,
            partner_id=data.partner_id,
            province=data.province,
            county=data.county,
            organisation_id=data.organisation_id,
            reachable=data.reachable,
            subject=text["subject"],
            body=text["body"],
            registered_at=data.registered_at,
            registered_event_id=event.id,
            status="registered",
            routing=_reason(assignment),
            restricted=assignment.restricted,
            last_event_id=event.id,
        )
        await attachments.keep(connection, case_id, data.attachments, at=data.registered_at)
        await desk.add_step(
            connection,
            id=uuid7(),
            case_id=case_id,
            at=data.registered_at,
            type="register",
            actor_kind=event.actor.kind,
            actor_title=event.actor.title,
            event_id=event.id,
        )
        if assignment.department_id is not None:
            case = await desk.case_for_event(connection, case_id)
            if case is None:
                raise Transient("the case is not there yet")
            await take(connection, case, self._move(assignment, data.registered_at), actor=SYSTEM, at=datetime.now(UTC))

    def _move(self, assignment: Assignment, start: datetime) -> Move:
        department = self._rows[f"department:{assignment.department_id}"]
        category = self._rows.get(f"category:{assignment.category_id}")
        sla_days = category.sla_days if category else DEFAULT_SLA_DAYS
        return Move(
            "assign",
            {
                "status": "assigned",
                "department_id": department.id,
                "category_id": category.id if category else None,
                "sla_days": sla_days,
                "due_at": CALENDAR.add_working_days(start, sla_days),
            },
            CaseAssigned,
            CaseAssignedData,
            {"method": assignment.method},
            kept={"department_id": department.id},
            department=DepartmentRef(id=department.id, name_fa=department.name_fa, name_en=department.name_en),
            category=category and CategoryRef(id=category.id, name_fa=category.name_fa, name_en=category.name_en),
        )

    async def _refresh(self, connection: AsyncConnection) -> None:
        version = await directory.version(connection)
        if version == 0:
            raise Transient("the directory is empty")
        if version == self._version:
            return
        departments = await directory.all_of(connection, "departments")
        categories = await directory.all_of(connection, "categories")
        pipelines = {row.id: row.pipeline for row in departments}
        self._rows = {f"department:{row.id}": row for row in departments}
        self._rows |= {f"category:{row.id}": row for row in categories}
        self._recogniser = Recogniser(
            Category(row.id, row.department_id, row.sla_days, pipelines[row.department_id], tuple(row.keywords))
            for row in categories
        )
        self._rules = tuple(
            Rule(
                name=row.name,
                category_id=row.category_id,
                province=row.province,
                kind=row.kind,
                organisation_id=row.organisation_id,
                words=tuple(row.words) if row.words is not None else None,
                to_department_id=row.to_department_id,
                to_category_id=row.to_category_id,
            )
            for row in await directory.all_of(connection, "rules")
        )
        self._version = version


def _reason(assignment: Assignment) -> dict[str, Any]:
    return {
        "method": assignment.method,
        "confidence": round(assignment.confidence, 4),
        "top": [asdict(guess) for guess in assignment.top],
        "rule": assignment.rule,
    }
