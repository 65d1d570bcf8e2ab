"""Missed clocks on a real database: told once at each level, escalating, and shown in the summary."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from services.integrity.inspection.clocks import Terms
from services.integrity.inspection.deadlines import look_at_clocks
from services.integrity.keys import IntegrityKeys
from shared.kit.settings import ServiceSettings
from shared.persian.calendar import CALENDAR
from tests.services.integrity.offices import Offices, Person


@pytest.fixture
def keys(folder: Path) -> IntegrityKeys:
    """integrity's."""
    return IntegrityKeys.load(ServiceSettings(keys_dir=folder))


async def test_a_missed_clock_is_a_step_at_each_level_and_is_told_once(
    office: Offices, people: dict[str, Person], keys: IntegrityKeys
) -> None:
    filed, fresh = await office.file(), await office.file()
    await office.step(people["ann"], fresh["id"], type="acknowledge")
    listed = (await office.http.get("/v1/inspect/reports", headers=people["ann"].headers)).json()["items"]
    clocks = next(item["clocks"] for item in listed if item["report_no"] == filed["report_no"])
    due = datetime.fromisoformat(next(clock["due_at"] for clock in clocks if clock["clock"] == "acknowledge"))
    terms = Terms(triage=99)
    assert await look_at_clocks(office.database, keys, terms, now=due) == 0
    second = timedelta(seconds=1)
    late = [due + second, CALENDAR.add_working_days(due, 2) + second, CALENDAR.add_working_days(due, 4) + second]
    for moment in late:
        assert await look_at_clocks(office.database, keys, terms, now=moment) == 1
        assert await look_at_clocks(office.database, keys, terms, now=moment) == 0
    missed = [row["data"] for row in await office.steps(filed["id"], "clock_missed")]
    assert ["acknowledge" in row for row in missed] == [True] * 3
    assert [json.loads(row)["escalated_to"] for row in missed] == ["inspector", "supervisor", "centre"]
    assert await office.steps(fresh["id"], "clock_missed") == []
    summary = (await office.http.get("/v1/inspect/summary", headers=people["supervisor"].headers)).json()
    assert (summary["total"], summary["open"], summary["missed"]) == (2, 2, 1)
    clock = next(entry for entry in summary["clocks"] if entry["clock"] == "acknowledge")
    assert (clock["running"], clock["missed"], clock["told_to_centre"], clock["missed_ever"]) == (1, 1, 1, 1)
    assert summary["by_organisation"] == [{"id": "sso", "total": 2, "open": 2, "missed": 1}]
    assert summary["times"]["acknowledge"]["count"] == 1
    assert summary["times"]["outcome"] == {"count": 0, "median_days": None, "p90_days": None}
    listed = (await office.http.get("/v1/inspect/reports", headers=people["ann"].headers)).json()["items"]
    levels = {item["report_no"]: {c["clock"]: c["level"] for c in item["clocks"]} for item in listed}
    assert levels[filed["report_no"]]["acknowledge"] == 3
    etag = (await office.http.get(f"/v1/inspect/reports/{filed['id']}", headers=people["ann"].headers)).headers["ETag"]
    version = await office.admin.fetchval("SELECT version FROM reports WHERE id = $1", UUID(filed["id"]))
    assert etag == f'"{version}"'


async def test_two_workers_tell_of_it_once(office: Offices, people: dict[str, Person], keys: IntegrityKeys) -> None:
    filed = await office.file()
    moment = datetime.now(UTC) + timedelta(days=400)
    counts = await asyncio.gather(*(look_at_clocks(office.database, keys, Terms(), now=moment) for _ in range(3)))
    assert people
    assert sum(counts) == 2
    assert len(await office.steps(filed["id"], "clock_missed")) == 2, "acknowledgement and feedback"
