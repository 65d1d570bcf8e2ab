"""The ordered rules: replaced as a whole, and tried on last month's cases before."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.assignment.domain import Filing, Rule, first_match
from services.routing.assignment.service import Assigner, rule_of
from services.routing.classify.store import Models
from services.routing.directory import repository as directory
from services.routing.directory.editing import changed
from services.routing.keys import RoutingKeys
from services.routing.rules import repository
from services.routing.rules.schemas import ChangeOut, DryRunOut, RuleIn, RulesOut
from shared.kit.auth import Principal
from shared.kit.web.etags import check_if_match
from shared.kit.web.language import Text
from shared.kit.web.problems import FieldFault, invalid_fields
from shared.persian.places import PROVINCES

DRY_RUN_DAYS = 30
DRY_RUN_CASES = 20_000
_CHUNK = 1000
_SAMPLES = 5

Moved = dict[tuple[str | None, str | None], list[str]]
"""The ids of the cases that would go elsewhere, by from and to."""


async def whole(connection: AsyncConnection) -> RulesOut:
    """All rules, in order."""
    items = [RuleIn.model_validate(row) for row in await directory.all_of(connection, "rules")]
    return RulesOut(version=await directory.version(connection), items=items)


async def replace(
    connection: AsyncConnection, principal: Principal, items: Sequence[RuleIn], if_match: str | None
) -> int:
    """Puts these rules in the place of all; the new version. Raises 428 and 412 about ``If-Match``, 422 for what is
    named and not in use."""
    check_if_match(if_match, await directory.lock_version(connection))
    await check(connection, items)
    await directory.replace_rules(connection, [item.model_dump() for item in items])
    return await changed(connection, principal, {"kind": "rules", "count": len(items)})


async def check(connection: AsyncConnection, items: Sequence[RuleIn]) -> None:
    """Raises 422 for each category, department, organisation or county named that is not in use."""
    in_use = {
        kind: {row.id for row in await directory.all_of(connection, kind) if row.active}
        for kind in ("categories", "departments", "organisations")
    }
    known = {
        "category_id": in_use["categories"],
        "to_category_id": in_use["categories"],
        "to_department_id": in_use["departments"],
        "organisation_id": in_use["organisations"],
    }
    text = Text("چنین موردی در فهرست نیست یا از کار افتاده است.", "There is no such entry in use.")
    faults = [
        FieldFault(f"/items/{n}/{field}", "unknown_entry", text)
        for n, item in enumerate(items)
        for field, ids in known.items()
        if getattr(item, field) is not None and getattr(item, field) not in ids
    ]
    faults += [
        FieldFault(f"/items/{n}/county", "unknown_county", text)
        for n, item in enumerate(items)
        if item.county is not None and not _has_county(item.province, item.county)
    ]
    if faults:
        raise invalid_fields(*faults)


def _has_county(province: str | None, county: str) -> bool:
    if province is not None:
        return county in PROVINCES[province].counties
    return any(county in one.counties for one in PROVINCES.values())


async def dry_run(connection: AsyncConnection, keys: RoutingKeys, models: Models, items: Sequence[RuleIn]) -> DryRunOut:
    """Where the cases of the last thirty days would have gone under other rules, against those of now. Raises 422 as
    ``check`` does; nothing is changed."""
    await check(connection, items)
    assigner = Assigner(keys, models)
    await assigner.refresh(connection)
    rules = tuple(rule_of(item) for item in items)
    since = datetime.now(UTC) - timedelta(days=DRY_RUN_DAYS)
    seen, before, moved = 0, None, Moved()
    while seen < DRY_RUN_CASES:
        rows = await repository.filed_since(connection, since, before=before, limit=_CHUNK)
        await asyncio.to_thread(_compare, assigner, rules, rows, moved)
        seen += len(rows)
        if len(rows) < _CHUNK:
            break
        before = rows[-1].id
    changes = [
        ChangeOut(from_department_id=old, to_department_id=new, count=len(ids), samples=ids[:_SAMPLES])
        for (old, new), ids in sorted(moved.items(), key=lambda item: -len(item[1]))
    ]
    return DryRunOut(cases=seen, changed=sum(change.count for change in changes), changes=changes)


def _compare(
    assigner: Assigner,
    rules: Sequence[Rule],
    rows: Sequence[Any],
    moved: Moved,
) -> None:
    for row in rows:
        filing = Filing(
            row.kind,
            row.province,
            row.subject,
            row.body,
            row.chosen_category_id,
            row.organisation_id,
            row.county,
            row.registered_at,
        )
        if first_match(filing, assigner.rules) == first_match(filing, rules):
            continue  # only the rules differ, so where they agree the whole does
        old, new = (assigner.decide(filing, which).department_id for which in (assigner.rules, rules))
        if old != new:
            moved.setdefault((old, new), []).append(str(row.id))
