"""The monthly review over REST: what each role sees, the report, the notes, and the closing of months."""

import asyncio
import csv
import io
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from services.routing.review.months import shifted, span
from shared.persian.calendar import jalali_month
from tests.services.routing.review.conftest import CENTRE, GROUP, Routing, manager

RUNNING = jalali_month(datetime.now(UTC))
LAST = shifted(RUNNING, -1)
WAGES, DISMISSAL = "labour-relations.unpaid-wages", "labour-relations.dismissal"
MINE, OTHERS = manager("labour-relations"), manager("behzisti")


async def year_with_excess(routing: Routing) -> None:
    """Thirteen months of about ten wage cases in Tehran and six in Isfahan; in the last one, forty in Tehran."""
    for n, month in enumerate(span(shifted(LAST, -13), LAST)):
        await routing.cases(month, 40 if month == LAST else 9 + n % 3)
        await routing.cases(month, 5 + n % 2, province="IR-10")
        await routing.cases(month, 6, department_id="behzisti", category_id="behzisti.equipment-rehab")


async def test_a_month_closes_by_itself_and_its_excess_becomes_a_topic(routing: Routing) -> None:
    await year_with_excess(routing)
    assert (await routing.reviewer.close())[-1] == LAST
    assert await routing.reviewer.close() == []
    told = [orjson.loads(event["body"])["data"] for event in await routing.events("review.published.v1")]
    assert [event["month"] for event in told] == span(shifted(LAST, -13), LAST)
    assert [event["excess"] for event in told] == [0] * 13 + [2]
    review = await routing.get(CENTRE, f"/v1/desk/reviews/{LAST}")
    assert review["detector"] == {"history_months": 13, "method": "rolling"}
    assert {(e["category"], e["province"]) for e in review["excess"]} == {(WAGES, None), (WAGES, "IR-23")}
    tehran = next(e for e in review["excess"] if e["province"])
    assert tehran["observed"] == 40
    assert 9 <= tehran["expected"] <= 11
    assert tehran["upper"] < 40
    assert tehran["score"] > 1
    topics = (await routing.get(GROUP, "/v1/desk/working-group/topics"))["items"]
    assert {(t["category"]["id"], t["province"], t["source"]) for t in topics} == {
        (WAGES, None, "excess"),
        (WAGES, "IR-23", "excess"),
    }
    assert len(await routing.events("topic.opened.v1")) == 2


async def test_a_continuing_excess_is_more_evidence_for_the_same_topic(routing: Routing) -> None:
    await year_with_excess(routing)
    await routing.reviewer.close()
    await routing.cases(RUNNING, 45)
    ahead = datetime.now(UTC) + timedelta(days=32)
    assert await routing.reviewer.close(ahead) == [RUNNING]
    topics = (await routing.get(GROUP, "/v1/desk/working-group/topics"))["items"]
    assert len(topics) == 2
    assert [e["month"] for e in topics[0]["evidence"]] == [LAST, RUNNING]
    assert len(await routing.events("topic.opened.v1")) == 2


async def test_several_workers_close_a_month_once(routing: Routing) -> None:
    await year_with_excess(routing)
    await asyncio.gather(*(routing.reviewer.close() for _ in range(4)))
    await routing.reviewer.close()
    assert len(await routing.events("review.published.v1")) == 14
    assert len(await routing.events("topic.opened.v1")) == 2


async def test_without_a_year_there_is_not_enough_history(routing: Routing) -> None:
    for month in span(shifted(LAST, -5), LAST):
        await routing.cases(month, 10 if month != LAST else 90)
    await routing.reviewer.close()
    review = await routing.get(CENTRE, f"/v1/desk/reviews/{LAST}")
    assert review["detector"] == {"history_months": 5, "method": None}
    assert review["excess"] == []
    assert not await routing.events("topic.opened.v1")


async def test_the_running_month_is_judged_on_request(routing: Routing) -> None:
    await year_with_excess(routing)
    await routing.cases(RUNNING, 40, category_id=DISMISSAL, province="IR-10")
    review = await routing.get(CENTRE, f"/v1/desk/reviews/{RUNNING}")
    assert review["closed"] is False
    assert {(e["category"], e["province"]) for e in review["excess"]} == {(DISMISSAL, None), (DISMISSAL, "IR-10")}


async def test_what_was_found_lately_in_the_running_month_is_shown_with_its_time(routing: Routing) -> None:
    await year_with_excess(routing)
    path, excess = f"/v1/desk/reviews/{RUNNING}", {(WAGES, None), (WAGES, "IR-23")}
    await routing.reviewer.look()
    assert (before := await routing.get(CENTRE, path))["excess"] == []
    await routing.cases(RUNNING, 45)
    assert (same := await routing.get(CENTRE, path))["totals"]["filed"] == 45
    assert (same["excess"], same["excess_as_of"]) == ([], before["excess_as_of"])
    await routing.reviewer.look()
    later = await routing.get(CENTRE, path)
    assert {(e["category"], e["province"]) for e in later["excess"]} == excess
    assert later["excess_as_of"] > before["excess_as_of"]
    assert later["detector"] == {"history_months": 14, "method": "rolling"}
    # nobody looked for a while: it is judged on request again
    await routing.sql.execute("UPDATE review_looks SET at = at - interval '1 hour', findings = '[]'")
    again = await routing.get(CENTRE, path)
    assert again["excess"] == later["excess"]
    assert again["excess_as_of"] > later["excess_as_of"]
    await routing.reviewer.close(datetime.now(UTC) + timedelta(days=32))
    assert await routing.sql.fetchval("SELECT count(*) FROM review_looks") == 0
    closed = await routing.get(CENTRE, path)
    assert closed["excess"] == later["excess"]
    assert closed["excess_as_of"] == closed["published_at"]


async def test_the_figures_are_those_of_the_cases(routing: Routing) -> None:
    base = await routing.cases(shifted(LAST, -1), 10, channel="in_person")
    ids = await routing.cases(LAST, 3) + await routing.cases(LAST, 1, channel="in_person", kind="request")
    for id, days, rating in ((ids[0], 2, 5), (ids[1], 9, 2), (ids[3], 4, None), (base[0], 40, None)):
        await routing.sql.execute(
            "UPDATE cases SET due_at = registered_at + interval '5 days', rating = $3,"
            " decided_at = registered_at + make_interval(days => $2) WHERE id = $1",
            id,
            days,
            rating,
        )
    await routing.sql.execute("UPDATE cases SET reopened_at = decided_at + interval '1 day' WHERE id = $1", ids[1])
    review = await routing.get(CENTRE, f"/v1/desk/reviews/{LAST}")
    totals = review["totals"]
    assert (totals["filed"], totals["decided"], totals["decided_in_time"]) == (4, 4, 2)
    assert (totals["share_in_time"], totals["median_days"], totals["mean_rating"]) == (0.5, 6.5, 3.5)
    assert (totals["reopened"], totals["share_reopened"]) == (1, 0.25)
    assert {line["kind"]: line["filed"] for line in review["kinds"]} == {"complaint": 3, "request": 1}
    visits = review["channels"]["in_person"]
    assert (visits["filed"], visits["base_filed"], visits["base_month"]) == (1, 10, shifted(LAST, -1))
    assert visits["fall"] == 0.9
    assert sum(line["filed"] for line in review["counts"]) == 4
    await routing.sql.execute("UPDATE cases SET department_id = 'hq', category_id = 'hq.access'")
    moved = (await routing.get(CENTRE, f"/v1/desk/reviews/{LAST}"))["counts"]
    assert {line["department_id"] for line in moved} == {"hq"}
    listed = (await routing.get(CENTRE, "/v1/desk/reviews"))["items"]
    assert [(m["month"], m["filed"]) for m in listed] == [(RUNNING, 0), (LAST, 4), (shifted(LAST, -1), 10)]


async def test_a_manager_sees_and_notes_their_own_part(routing: Routing) -> None:
    await year_with_excess(routing)
    await routing.reviewer.close()
    path = f"/v1/desk/reviews/{LAST}"
    mine, others = await routing.get(MINE, path), await routing.get(OTHERS, path)
    assert {line["department"]["id"] for line in mine["departments"]} == {"labour-relations"}
    assert (mine["totals"]["filed"], len(mine["excess"])) == (46, 2)
    assert (others["totals"]["filed"], others["excess"]) == (6, [])
    note = {"department_id": "labour-relations", "note": "سه کارگاه بزرگ مزد سه ماه را نداده‌اند."}
    key = {"Idempotency-Key": "note-1"}
    assert (await routing.request(MINE, "POST", f"{path}/notes", json=note, headers=key)).status_code == 201
    assert (await routing.request(MINE, "POST", f"{path}/notes", json=note, headers=key)).status_code == 201
    assert (await routing.request(OTHERS, "POST", f"{path}/notes", json=note)).status_code == 403
    assert (await routing.request(CENTRE, "POST", f"{path}/notes", json=note)).status_code == 403
    assert [n["note"] for n in (await routing.get(CENTRE, path))["notes"]] == [note["note"]]
    assert (await routing.get(OTHERS, path))["notes"] == []
    assert (await routing.request(GROUP, "GET", path)).status_code == 403
    for month in ("1404-13", "1404-1", "soon", "1300-01", shifted(RUNNING, 1)):
        assert (await routing.request(CENTRE, "GET", f"/v1/desk/reviews/{month}")).status_code == 404


async def test_a_month_without_cases_is_empty(routing: Routing) -> None:
    for month in (RUNNING, "1390-01"):
        review = await routing.get(CENTRE, f"/v1/desk/reviews/{month}")
        assert (review["totals"]["filed"], review["excess"], review["closed"]) == (0, [], False)
        assert (await routing.request(CENTRE, "GET", f"/v1/desk/reviews/{month}/report")).content.startswith(b"%PDF")
    assert await routing.get(CENTRE, "/v1/desk/reviews") == {"items": [], "next": None}


async def test_the_report_comes_as_pdf_or_csv(routing: Routing, tmp_path: Path) -> None:
    await year_with_excess(routing)
    await routing.reviewer.close()
    path = f"/v1/desk/reviews/{LAST}/report"
    table = await routing.request(MINE, "GET", path, headers={"Accept": "text/csv"})
    assert table.headers["content-type"].startswith("text/csv")
    assert table.content.startswith(b"\xef\xbb\xbf")
    lines = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert sum(int(line["ثبت‌شده"]) for line in lines) == 46
    assert {line["استان"] for line in lines} == {"تهران", "اصفهان"}
    document = await routing.request(CENTRE, "GET", path)
    assert document.headers["content-type"] == "application/pdf"
    pdf = tmp_path / "report.pdf"
    pdf.write_bytes(document.content)
    assert "Tagged:          yes" in _info(pdf)
    refused = await routing.request(CENTRE, "GET", path, headers={"Accept": "image/png"})
    assert (refused.status_code, refused.headers["content-type"]) == (406, "application/problem+json")


def _info(pdf: Path) -> str:
    return subprocess.run(["pdfinfo", str(pdf)], capture_output=True, text=True, check=True).stdout
