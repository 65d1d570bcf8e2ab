"""Taking in a case and giving it to a department, in the transaction of its ``case.registered``."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.assignment.domain import Assignment, Category, Filing, Rule, assign, hinted
from services.routing.attachments import repository as attachments
from services.routing.classify import metrics
from services.routing.classify import repository as classify
from services.routing.classify.domain import drawn_for_audit
from services.routing.classify.model import Model
from services.routing.classify.store import Models, NoModel
from services.routing.desk import repository as desk
from services.routing.desk.story import DEFAULT_SLA_DAYS, Move, take
from services.routing.directory import repository as directory
from services.routing.keys import RoutingKeys
from shared.contracts.envelope import SYSTEM, CategoryRef, DepartmentRef
from shared.contracts.intake import CaseRegistered
from shared.contracts.routing import CaseAssigned, CaseAssignedData, GuessRef
from shared.kit.bus import Transient
from shared.kit.ids import uuid7
from shared.persian.calendar import CALENDAR


class Assigner:
    """Holds the directory in the form that assigning needs, read anew when its version changes, and the model."""

    def __init__(self, keys: RoutingKeys, models: Models) -> None:
        self._keys = keys
        self._models = models
        self._model: Model | None = None
        self._version = 0
        self._categories: dict[str, Category] = {}
        self.rules: tuple[Rule, ...] = ()
        self._rows: dict[str, Any] = {}

    async def register(self, connection: AsyncConnection, event: CaseRegistered) -> None:
        """Keeps the case and assigns it, or leaves it in triage. ``Transient`` before the directory is filled and the
        model is trained."""
        await self.refresh(connection)
        data, case_id = event.data, event.case_id
        if case_id is None:
            raise Transient("no case is named")
        text = self._keys.open_text(case_id, data.text_sealed)
        filing = Filing(
            data.kind,
            data.province,
            text["subject"],
            text["body"],
            data.category_id,
            data.organisation_id,
            data.county,
            data.registered_at,
        )
        # a long text takes some milliseconds, in which other events go on
        assignment = await asyncio.to_thread(self.decide, filing, self.rules)
        metrics.opinions.labels("restricted" if assignment.restricted else assignment.method).inc()
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
            routing=self._reason(assignment),
            second_category_id=assignment.second_category_id,
            chosen_category_id=data.category_id,
            directory_version=self._version,
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
            move = self._move(assignment, data.province, data.registered_at)
            await take(connection, case, move, actor=SYSTEM, at=datetime.now(UTC))

            if assignment.method in ("rule", "classifier") and drawn_for_audit(case_id):
                await classify.sample(
                    connection,
                    case_id=case_id,
                    method=assignment.method,
                    department_id=assignment.department_id,
                    category_id=assignment.category_id,
                    confidence=assignment.confidence,
                    model=self._known_model.version,
                )

    def decide(self, filing: Filing, rules: Sequence[Rule]) -> Assignment:
        """Where a case goes under these rules; after ``refresh``."""
        model = self._known_model
        opinion = hinted(filing, self._categories, model.departments, model.opinion(f"{filing.subject}\n{filing.body}"))
        return assign(filing, rules, self._categories, opinion)

    @property
    def _known_model(self) -> Model:
        if self._model is None:
            raise Transient("the model is not trained yet")
        return self._model

    def _move(self, assignment: Assignment, province: str, start: datetime) -> Move:
        department = self._rows[f"department:{assignment.department_id}"]
        category = self._rows.get(f"category:{assignment.category_id}")
        sla_days = category.sla_days if category else DEFAULT_SLA_DAYS
        return Move(
            "assign",
            {
                "status": "assigned",
                "department_id": department.id,
                "category_id": category.id if category else None,
                "assignee": department.officers.get(province),
                "sla_days": sla_days,
                "term_days": sla_days,
                "due_at": CALENDAR.add_working_days(start, sla_days),
            },
            CaseAssigned,
            CaseAssignedData,
            self._told(assignment),
            kept={"department_id": department.id},
            department=DepartmentRef(id=department.id, name_fa=department.name_fa, name_en=department.name_en),
            category=category and CategoryRef(id=category.id, name_fa=category.name_fa, name_en=category.name_en),
        )

    async def refresh(self, connection: AsyncConnection) -> None:
        """Reads directory, rules and model anew if they changed. ``Transient`` before the directory is filled and the
        model is trained."""
        try:
            self._model = await self._models.current(connection)
        except NoModel:
            raise Transient("the model is not trained yet") from None
        version = await directory.version(connection)
        if version == 0:
            raise Transient("the directory is empty")
        if version == self._version:
            return
        departments = await directory.all_of(connection, "departments")
        active = {row.id for row in departments if row.active}
        categories = await directory.all_of(connection, "categories")
        self._rows = {f"department:{row.id}": row for row in departments}
        self._rows |= {f"category:{row.id}": row for row in categories}
        self._categories = {
            row.id: Category(
                row.id,
                row.department_id,
                self._rows[f"department:{row.department_id}"].pipeline,
                self._rows[f"department:{row.department_id}"].organisation_id,
                tuple(row.keywords),
            )
            for row in categories
            if row.active and row.department_id in active
        }
        self.rules = tuple(rule_of(row) for row in await directory.all_of(connection, "rules"))
        self._version = version

    def _reason(self, assignment: Assignment) -> dict[str, Any]:
        """Why it was decided so, for the desk."""
        return {
            "method": assignment.method,
            "confidence": round(assignment.confidence, 4),
            "top": [{**asdict(guess), "score": round(guess.score, 4)} for guess in assignment.top],
            "rule": assignment.rule,
            "model": self._known_model.version,
            "model_sha256": self._known_model.sha256,
        }

    def _told(self, assignment: Assignment) -> dict[str, Any]:
        """The same for the others: the reasons are the citizen's words and stay here."""
        second = self._rows.get(f"category:{assignment.second_category_id}")
        return {
            "method": assignment.method,
            "confidence": round(assignment.confidence, 4),
            "guesses": tuple(
                GuessRef(category_id=guess.category_id, score=round(guess.score, 4)) for guess in assignment.top
            ),
            "model": self._known_model.version,
            "second_category": second and CategoryRef(id=second.id, name_fa=second.name_fa, name_en=second.name_en),
        }


def rule_of(row: Any) -> Rule:
    """A rule as it is applied, from a row of ``rules`` or what has its fields."""
    return Rule(
        name=row.name,
        category_id=row.category_id,
        province=row.province,
        county=row.county,
        kind=row.kind,
        organisation_id=row.organisation_id,
        words=tuple(row.words) if row.words is not None else None,
        hours=(row.from_hour, row.to_hour) if row.from_hour is not None else None,
        from_on=row.from_on,
        to_on=row.to_on,
        to_department_id=row.to_department_id,
        to_category_id=row.to_category_id,
    )
