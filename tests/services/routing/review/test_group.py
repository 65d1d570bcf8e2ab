"""The working group: topics, decisions with a measure, and who is told."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from services.routing.group.notices import BATCH, TopicNotices
from services.routing.review.months import shifted
from shared.contracts.registry import parse
from shared.contracts.routing import TopicDecided
from shared.kit.ids import uuid7
from shared.persian.calendar import jalali, jalali_month
from tests.services.routing.review.conftest import CENTRE, GROUP, Routing, manager

RUNNING = jalali_month(datetime.now(UTC))
LAST = shifted(RUNNING, -1)
WAGES = "labour-relations.unpaid-wages"
TOPICS = "/v1/desk/working-group/topics"


def a_topic(**changes: Any) -> dict[str, Any]:
    return {"title": "مزد معوق در تهران", "category": WAGES, "province": "IR-23", "month": LAST, **changes}


def a_decision(**changes: Any) -> dict[str, Any]:
    return {
        "title": "بازرسی ویژهٔ کارگاه‌های بدهکار",
        "text": "بازرسان تا پایان ماه بیست کارگاه بدهکار را می‌بینند.",
        "owner_department_id": "labour-inspection",
        "due_on": jalali(datetime.now(UTC) + timedelta(days=40)),
        "measure": {"category": WAGES, "province": "IR-23", "target": 10},
        **changes,
    }


async def opened(routing: Routing, **changes: Any) -> Any:
    return (await routing.request(GROUP, "POST", TOPICS, json=a_topic(**changes))).raise_for_status().json()


async def tell_all(routing: Routing) -> list[TopicDecided]:
    notices = TopicNotices(routing.database)
    while await notices.tell():
        pass
    events = [parse(row["body"]) for row in await routing.events("topic.decided.v1")]
    return [event for event in events if isinstance(event, TopicDecided)]


async def test_everyone_behind_a_topic_is_told_once(routing: Routing) -> None:
    twice, elsewhere = uuid7(), uuid7()
    await routing.cases(LAST, 210)
    await routing.cases(LAST, 2, citizen_id=twice)
    await routing.cases(LAST, 1, citizen_id=None)
    await routing.cases(LAST, 1, citizen_id=None, reachable=False)
    await routing.cases(LAST, 1, citizen_id=elsewhere, province="IR-10")
    await routing.cases(shifted(LAST, -1), 1, citizen_id=elsewhere)
    await routing.cases(LAST, 1, citizen_id=elsewhere, restricted=True)
    topic = await opened(routing)
    path = f"{TOPICS}/{topic['id']}"
    key = {"Idempotency-Key": "decision-1"}
    for _ in range(2):
        answer = await routing.request(GROUP, "POST", f"{path}/decisions", json=a_decision(), headers=key)
        assert answer.status_code == 201
    assert answer.json()["cases"] == 214
    told = await tell_all(routing)
    assert len(told) > BATCH
    people = Counter(
        [
            await routing.sql.fetchval("SELECT coalesce(citizen_id, id) FROM cases WHERE id = $1", event.case_id)
            for event in told
        ]
    )
    assert len(people) == 212
    assert set(people.values()) == {1}
    assert people[twice] == 1
    assert elsewhere not in people
    assert {event.data.cases for event in told} == {214}
    assert {event.causation_id for event in told} == {None}
    assert await tell_all(routing) == told
    second = a_decision(title="گفت‌وگو با کارفرمایان", due_on="1420-01-01")
    assert (await routing.request(GROUP, "POST", f"{path}/decisions", json=second)).status_code == 201
    assert len(await tell_all(routing)) == 2 * 212


async def test_a_topic_shows_its_cases_without_names_and_what_became_of_the_count(routing: Routing) -> None:
    subject = "حقوق من، شمارهٔ ۰۹۱۲ ۱۲۳ ۴۵۶۷، را نداده‌اند"
    for month, count in ((shifted(LAST, -2), 4), (shifted(LAST, -1), 5), (LAST, 30)):
        await routing.cases(month, count, subject=subject)
    topic = await opened(routing)
    path = f"{TOPICS}/{topic['id']}"
    (await routing.request(GROUP, "POST", f"{path}/decisions", json=a_decision())).raise_for_status()
    shown = await routing.get(CENTRE, path)
    assert (shown["state"], shown["cases_count"], len(shown["cases"]), len(shown["sample"])) == ("decided", 30, 30, 10)
    assert {"id", "tracking_code"} <= shown["cases"][0].keys()
    assert all("۴۵۶۷" not in case["subject"] and "حقوق" in case["subject"] for case in shown["sample"])
    assert [(m["month"], m["count"]) for m in shown["trend"]][-2:] == [(LAST, 30), (RUNNING, 0)]
    assert shown["provinces"] == [{"province": "IR-23", "name_fa": "تهران", "count": 30}]
    (decision,) = shown["decisions"]
    assert decision["measure"] == {"category": WAGES, "province": "IR-23", "target": 10}
    followed = {line["month"]: line for line in decision["followed"]}
    assert (followed[LAST]["count"], followed[LAST]["after"], followed[LAST]["met"]) == (30, False, None)
    assert (followed[RUNNING]["after"], followed[RUNNING]["met"]) == (True, None)
    # a month later its count is judged against the target
    await routing.sql.execute("UPDATE topic_decisions SET decided_at = decided_at - interval '40 days'")
    (decision,) = (await routing.get(CENTRE, path))["decisions"]
    judged = next(line for line in decision["followed"] if line["month"] == LAST)
    assert (judged["after"], judged["met"]) == (True, False)


async def test_the_agenda_holds_open_topics_by_score_and_decisions_that_are_late(routing: Routing) -> None:
    first = await opened(routing)
    second = await opened(routing, province=None, title="مزد معوق در کشور")
    third = await opened(routing, province="IR-10", title="مزد معوق در اصفهان")
    await routing.sql.execute("UPDATE topics SET score = 3 WHERE id = $1", second["id"])
    (await routing.request(GROUP, "POST", f"{TOPICS}/{third['id']}/decisions", json=a_decision())).raise_for_status()
    agenda = await routing.get(CENTRE, "/v1/desk/working-group/agenda")
    assert [topic["id"] for topic in agenda["topics"]] == [second["id"], first["id"]]
    assert agenda["overdue"] == []
    await routing.sql.execute("UPDATE topic_decisions SET due_on = current_date - 9")
    (late,) = (await routing.get(GROUP, "/v1/desk/working-group/agenda"))["overdue"]
    assert (late["topic_id"], late["owner"]["id"]) == (third["id"], "labour-inspection")
    assert late["days_late"] in (8, 9, 10)


async def test_a_settled_topic_closes_with_its_month(routing: Routing) -> None:
    await routing.cases(LAST, 3)
    topic = await opened(routing)
    path = f"{TOPICS}/{topic['id']}"
    (await routing.request(GROUP, "POST", f"{path}/decisions", json=a_decision())).raise_for_status()
    assert await routing.reviewer.close() == [LAST]
    assert (await routing.get(GROUP, path))["state"] == "decided"
    await routing.sql.execute("UPDATE topic_decisions SET due_on = current_date")
    await routing.reviewer.close(datetime.now(UTC) + timedelta(days=32))
    assert (await routing.get(GROUP, path))["state"] == "closed"
    refused = await routing.request(GROUP, "POST", f"{path}/decisions", json=a_decision())
    assert refused.status_code == 409
    assert (await opened(routing))["id"] != topic["id"]


async def test_who_may_do_what(routing: Routing) -> None:
    topic = await opened(routing)
    path = f"{TOPICS}/{topic['id']}"
    again = await routing.request(CENTRE, "POST", TOPICS, json=a_topic())
    assert (again.status_code, orjson.loads(again.content)["code"]) == (409, "topic_is_open")
    for who in (manager("hq"), CENTRE):
        assert (await routing.request(who, "POST", f"{path}/decisions", json=a_decision())).status_code == 403
    assert (await routing.request(manager("hq"), "GET", TOPICS)).status_code == 403
    assert (await routing.request(GROUP, "GET", f"{TOPICS}/{uuid7()}")).status_code == 404
    for wrong, pointer in (
        ({"owner_department_id": "nowhere"}, "/owner_department_id"),
        ({"due_on": "1404-01-01"}, "/due_on"),
        ({"due_on": "1405-12-40"}, "/due_on"),
        ({"measure": {"category": "nothing", "target": 1}}, "/measure/category"),
        ({"measure": {"category": WAGES, "target": -1}}, "/measure/target"),
    ):
        answer = await routing.request(GROUP, "POST", f"{path}/decisions", json=a_decision(**wrong))
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    for wrong in ({"category": "nothing"}, {"province": "IR-99"}, {"month": "1404-13"}, {"month": "1470-01"}):
        assert (await routing.request(GROUP, "POST", TOPICS, json=a_topic(**wrong))).status_code == 422
    listed = await routing.get(GROUP, TOPICS, params={"state": "open"})
    assert [item["id"] for item in listed["items"]] == [topic["id"]]
