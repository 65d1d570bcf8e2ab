"""Filing over the API: what the answer promises stands in the database, and only those who may can open it."""

import asyncio
import json
import secrets
from hashlib import sha256
from itertools import combinations
from typing import Any
from uuid import uuid4

import pytest

from services.integrity.client import seal_report
from services.integrity.log.keys import load_policy
from services.integrity.log.receipt import Receipt
from services.integrity.reports.content import open_content
from services.integrity.reports.manifest import manifest
from services.integrity.sealing.age import NotOpened, ReportKey, SecretKey, open_sealed
from services.integrity.sealing.shares import Share, recover
from services.integrity.verify import Verdict, judge
from shared.kit.auth import Principal
from tests.services.integrity.people import CONTACT, REPORT, Irm, staff


async def content_for(irm: Irm, report: Any, holder: str) -> dict[str, Any]:
    """What a holder reads of a report with nothing but their own key and what the database hands out."""
    sealed = await irm.database.fetchval(
        "SELECT sealed FROM report_steps WHERE report_id = $1 AND seq = 1", report["id"]
    )
    grant = await irm.database.fetchval(
        "SELECT sealed FROM grants WHERE report_id = $1 AND holder = $2", report["id"], holder
    )
    key = ReportKey.open_grant(grant, irm.private[holder])
    assert (key.report, key.epoch, key.key.recipient) == (str(report["id"]), 1, report["recipient"])
    return open_content(sealed, key.key)


async def test_a_report_is_read_by_supervisors_and_one_inspector_of_the_province_without_a_conflict(irm: Irm) -> None:
    filed = await irm.file()
    row = filed["row"]
    grants = {
        r["holder"] for r in await irm.database.fetch("SELECT holder FROM grants WHERE report_id = $1", row["id"])
    }
    assert row["assignee"] in {"tehran.a", "tehran.b"}
    assert grants == {"supervisor.a", "supervisor.b", row["assignee"]}
    for holder in grants:
        assert await content_for(irm, row, holder) == {
            "subject": REPORT["subject"],
            "narrative": REPORT["narrative"],
            "people": REPORT["people"],
            "occurred": REPORT["occurred"],
            "amount_rial": 50_000_000,
        }
    grant = await irm.database.fetchval("SELECT sealed FROM grants WHERE report_id = $1 LIMIT 1", row["id"])
    with pytest.raises(NotOpened):
        ReportKey.open_grant(grant, irm.private["isfahan.a"])


async def test_any_three_custodians_recover_the_key_and_two_do_not(irm: Irm) -> None:
    row = (await irm.file())["row"]
    rows = await irm.database.fetch("SELECT among, holder, sealed FROM recovery_shares WHERE report_id = $1", row["id"])
    assert len(rows) == 30
    custodians = [f"custodian.{n}" for n in range(1, 6)]
    assert {tuple(r["among"]) for r in rows} == set(combinations(custodians, 3))
    one = [r for r in rows if r["among"] == custodians[1:4]]
    opened = [Share.open(r["sealed"], irm.private[r["holder"]]) for r in one]
    key = recover(opened, row["recipient"])
    sealed = await irm.database.fetchval("SELECT sealed FROM report_steps WHERE report_id = $1 AND seq = 1", row["id"])
    assert open_content(sealed, key)["subject"] == REPORT["subject"]


async def test_the_name_is_apart_from_the_content_and_opens_for_two_custodians_together(irm: Irm) -> None:
    row = (await irm.file(mode="confidential", contact=CONTACT))["row"]
    assert "ژیان" not in json.dumps(await content_for(irm, row, "supervisor.a"), ensure_ascii=False)
    rows = await irm.database.fetch("SELECT * FROM identity_shares WHERE report_id = $1", row["id"])
    assert len(rows) == 2
    shares = [Share.open(r["sealed"], irm.private[r["holder"]]) for r in rows]
    key = recover(shares, row["identity_recipient"])
    assert json.loads(open_sealed(row["identity_sealed"], key)) == {"name": "ژیان قناری‌پور", "mobile": "+989121234567"}


async def test_the_receipt_verifies_offline_and_names_this_report(irm: Irm) -> None:
    filed = await irm.file()
    policy = load_policy(irm.settings.keys_dir)
    receipt = Receipt.parse(filed["receipt"])
    receipt.verify(policy)
    receipt.verify_case(filed["report_no"])
    assert judge(filed, policy).verdict is Verdict.PROVEN
    assert (receipt.leaf.type, receipt.leaf.seq) == ("filed", 1)


async def test_the_leaf_covers_every_row_that_the_report_brought(irm: Irm) -> None:
    filed = await irm.file(mode="named", contact=CONTACT, people="مینا سهرابی")
    rows: dict[str, Any] = {}
    tables = ("grants", "recovery_shares", "identity_shares", "report_exclusions")
    for table in (*tables, "report_epochs", "report_steps"):
        rows[table] = await irm.database.fetch(
            f"SELECT * FROM {table} WHERE report_id = $1 AND seq = 1", filed["row"]["id"]
        )

    class Attributes:
        def __init__(self, record: Any) -> None:
            self.__dict__.update(record, **({"data": json.loads(record["data"])} if "data" in record else {}))

    def document() -> bytes:
        step, *_ = (Attributes(r) for r in rows["report_steps"])
        return manifest(
            step,
            grants=[Attributes(r) for r in rows["grants"]],
            recovery=[Attributes(r) for r in rows["recovery_shares"]],
            identity=[Attributes(r) for r in rows["identity_shares"]],
            epochs=[Attributes(r) for r in rows["report_epochs"]],
            excluded=[Attributes(r) for r in rows["report_exclusions"]],
            report=Attributes(filed["row"]),
            left=json.loads(rows["report_steps"][0]["manifest"])["left"],
        )

    committed = filed["receipt"]["leaf"]["ciphertext_sha256"]
    assert sha256(document()).hexdigest() == committed
    for table in tables:
        removed = rows[table].pop()
        assert sha256(document()).hexdigest() != committed
        rows[table].append(removed)


async def test_filing_again_under_the_same_key_answers_the_same_and_files_nothing(irm: Irm) -> None:
    before = await irm.database.fetchval("SELECT count(*) FROM reports")
    key = str(uuid4())
    first = await irm.post(REPORT, key=key)
    again = await irm.post(REPORT, key=f'"{key}"')
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["receipt_code"] == again.json()["receipt_code"]
    assert first.json()["report_no"] == again.json()["report_no"]
    other = await irm.post({**REPORT, "subject": "چیز دیگر"}, key=key)
    assert other.status_code == 422
    assert other.json()["type"] == "urn:seda:problem:idempotency-key-reused"
    assert await irm.database.fetchval("SELECT count(*) FROM reports") == before + 1


async def test_of_many_requests_with_one_key_at_a_time_one_files(irm: Irm) -> None:
    before = await irm.database.fetchval("SELECT count(*) FROM reports")
    key = str(uuid4())
    answers = await asyncio.gather(*(irm.post(REPORT, key=key) for _ in range(6)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    numbers = {answer.json()["report_no"] for answer in answers if answer.status_code == 201}
    assert len(numbers) == 1
    assert await irm.database.fetchval("SELECT count(*) FROM reports") == before + 1


async def test_of_many_at_a_time_each_gets_a_receipt_of_its_own(irm: Irm) -> None:
    bodies = [
        {
            **REPORT,
            "box": {
                "locator": f"{n:08d}",
                "auth_hash": secrets.token_hex(32),
                "recipient": SecretKey.generate().recipient,
            },
        }
        for n in range(24)
    ]
    for answer in await asyncio.gather(*(irm.post(body) for body in bodies)):
        assert answer.status_code == 201, answer.text
        Receipt.parse(answer.json()["receipt"]).verify_case(answer.json()["report_no"])
    taken = await irm.post({**REPORT, "subject": "گزارش دیگر", "box": bodies[0]["box"]})
    assert (taken.status_code, taken.json()["type"]) == (409, "urn:seda:problem:receipt-code-taken")


async def test_a_client_seals_by_itself_and_the_service_never_sees_a_word(irm: Irm) -> None:
    answer = await irm.http.get("/v1/reports/keys?organisation_id=sso&province=IR-23", headers=irm.caller())
    sealed = seal_report(
        {**REPORT, "mode": "confidential", "amount_rial": 50_000_000, "contact": CONTACT},
        answer.json(),
        named=["مینا سهرابی"],
    )
    assert REPORT["subject"] not in json.dumps(sealed.body, ensure_ascii=False)
    filed = await irm.post(sealed.body)
    assert filed.status_code == 201, filed.text
    assert filed.json()["receipt_code"] is None
    row = await irm.row(filed.json()["report_no"])
    assert row["assignee"] == "tehran.a", "the one who is named gets no grant"
    grants = await irm.database.fetch("SELECT holder FROM grants WHERE report_id = $1", row["id"])
    assert {r["holder"] for r in grants} == {"supervisor.a", "supervisor.b", "tehran.a"}
    assert (await content_for(irm, row, "supervisor.a"))["narrative"] == REPORT["narrative"]
    assert (await content_for(irm, row, "tehran.a"))["amount_rial"] == 50_000_000
    shares = await irm.database.fetch("SELECT * FROM recovery_shares WHERE report_id = $1", row["id"])
    assert len(shares) == 30
    one = [r for r in shares if r["among"] == shares[0]["among"]]
    recover([Share.open(r["sealed"], irm.private[r["holder"]]) for r in one], row["recipient"])


async def test_sealed_to_other_keys_than_today_s_is_refused(irm: Irm) -> None:
    keys = (await irm.http.get("/v1/reports/keys?organisation_id=sso", headers=irm.caller())).json()
    body = seal_report({**REPORT, "amount_rial": 1}, keys).body
    stale = {**body, "sealing": {**body["sealing"], "grants": body["sealing"]["grants"][1:]}}
    answer = await irm.post(stale)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:seda:problem:keys-changed")
    less = {**body, "sealing": {**body["sealing"], "recovery": body["sealing"]["recovery"][1:]}}
    answer = await irm.post(less)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/sealing/recovery")


async def test_the_keys_to_seal_to_name_nobody_and_nobody_of_the_accused_body(irm: Irm) -> None:
    answer = await irm.http.get("/v1/reports/keys?organisation_id=sso&province=IR-06", headers=irm.caller())
    assert answer.status_code == 200
    for name in ("supervisor.", "tehran", "بازرس", "راستگو"):
        assert name not in answer.text
    holders = {holder["recipient"] for holder in answer.json()["holders"]}
    assert irm.private["khuzestan.sso"].recipient not in holders
    assert irm.private["isfahan.a"].recipient in holders, "an inspector of another province, where there is none"


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"organisation_id": "nowhere"}, "/organisation_id", "unknown_organisation"),
        ({"province": "IR-99"}, "/province", "unknown_province"),
        ({"narrative": "کوتاه"}, "/narrative", "too_short"),
        ({"narrative": None}, "/narrative", "required"),
        ({"mode": "confidential"}, "/contact", "required"),
        ({"contact": CONTACT}, "/contact", "contact_not_for_anonymous"),
        ({"amount_rial": "زیاد"}, "/amount_rial", "amount_invalid"),
        ({"mode": "named", "contact": {"name": "کسی", "mobile": "12"}}, "/contact/mobile", "mobile_invalid"),
        ({"attachments": ["none-of-ours"]}, "/attachments/0", "unknown_upload"),
        ({"sealed_subject": "bm8="}, "/sealed_subject", "not_age"),
        ({"misspelt": 1}, "/misspelt", "unknown_field"),
    ],
)
async def test_what_does_not_fit_is_named(irm: Irm, changes: dict[str, Any], pointer: str, code: str) -> None:
    answer = await irm.post({**REPORT, **changes})
    assert answer.status_code == 422
    assert (pointer, code) in {(error["pointer"], error["code"]) for error in answer.json()["errors"]}
    assert "زیاد" not in answer.text


@pytest.mark.parametrize(
    ("caller", "status"),
    [
        (Principal("citizen", str(uuid4())), 201),
        (staff("officer", "officer", "کارشناس"), 403),
        (Principal("partner", "p", scopes=frozenset({"cases:write"})), 403),
        (Principal("reporter", str(uuid4())), 403),
    ],
)
async def test_who_may_file(irm: Irm, caller: Principal, status: int) -> None:
    answer = await irm.post(REPORT, caller=caller)
    assert answer.status_code == status


async def test_nothing_tells_when_a_report_was_filed_or_how_many_there_are(irm: Irm) -> None:
    row = (await irm.file())["row"]
    assert (row["filed_at"].minute, row["filed_at"].second) == (0, 0)
    assert row["id"].version == 4
    steps = await irm.database.fetch(
        "SELECT type, at, seq FROM report_steps WHERE report_id = $1 ORDER BY seq", row["id"]
    )
    assert [(s["type"], s["at"].minute) for s in steps] == [("filed", 0), ("acknowledged_by_machine", 0)]
    events = await irm.database.fetch(
        "SELECT event_id, body FROM outbox WHERE subject = $1 ORDER BY id", str(row["id"])
    )
    bodies = [json.loads(event["body"]) for event in events]
    assert [(b["type"], b["sequence"], b["data"]["state"]) for b in bodies] == [
        ("report.registered.v1", 1, "received"),
        ("report.advanced.v1", 2, "received"),
    ]
    for event, body in zip(events, bodies, strict=True):
        assert event["event_id"].version == 4
        assert body["time"].endswith(":00:00Z")
        assert set(body["data"]) == {"state", "leaf"}


async def test_a_number_to_notify_travels_sealed_and_apart_from_the_report(irm: Irm) -> None:
    await irm.database.execute("DELETE FROM outbox WHERE type = 'notice.requested.v1'")
    row = (await irm.file(mode="confidential", contact=CONTACT))["row"]
    notices = await irm.database.fetch("SELECT subject, body FROM outbox WHERE type = 'notice.requested.v1'")
    assert len(notices) == 1
    assert "9121234567" not in notices[0]["body"].decode()
    assert str(row["id"]) not in notices[0]["body"].decode()
    await irm.database.execute("DELETE FROM outbox WHERE type = 'notice.requested.v1'")
    silent = (await irm.file(mode="confidential", contact={**CONTACT, "notify": False}))["row"]
    assert silent["notify_sealed"] is None
    assert not await irm.database.fetch("SELECT 1 FROM outbox WHERE type = 'notice.requested.v1'")


async def test_without_enough_keys_nothing_is_kept(irm: Irm) -> None:
    before = await irm.database.fetchval("SELECT count(*) FROM reports")
    for missing in ("role = 'supervisor'", "username = 'custodian.3'"):
        await irm.database.execute(f"UPDATE holders SET active = false WHERE {missing}")
        answer = await irm.post(REPORT)
        keys = await irm.http.get("/v1/reports/keys", headers=irm.caller())
        await irm.database.execute(f"UPDATE holders SET active = true WHERE {missing}")
        assert (answer.status_code, keys.status_code) == (503, 503)
        assert "retry-after" in answer.headers
    assert await irm.database.fetchval("SELECT count(*) FROM reports") == before
