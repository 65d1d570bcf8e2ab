"""The inspectors' side over the API: the whole way, who may do what, and what reading, recusing and assigning do."""

import base64
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest

from services.integrity.inspect.device import NotGranted, OpenedReport
from services.integrity.reports.content import seal_field
from services.integrity.sealing.age import SecretKey
from shared.kit.auth import Principal
from tests.services.integrity.offices import REPORT, Offices, Person, check_manifests

People = dict[str, Person]


async def test_the_whole_way_of_a_report(office: Offices, people: People) -> None:
    ann = people["ann"]
    filed = await office.file()
    id = filed["id"]
    listed = (await office.http.get("/v1/inspect/reports", headers=ann.headers)).json()["items"]
    assert [item["report_no"] for item in listed] == [filed["report_no"]]
    opened = await office.read(ann, id)
    assert opened.contents[1] == {name: REPORT[name] for name in ("subject", "narrative")}
    assert [clock["clock"] for clock in opened.document["clocks"]] == ["acknowledge", "feedback"]
    await office.step(ann, id, type="acknowledge")
    await office.step(ann, id, type="triage", priority="high", admissible=True, note="پذیرفتنی است.")
    await office.step(ann, id, type="investigate", note="به شعبه می‌روم.")
    asked = await office.step(ann, id, type="message", body="در چه تاریخی بود؟")
    assert asked["state"] == "awaiting_reporter"
    reporter = await office.reporter(filed)
    headers = {**reporter, "Idempotency-Key": "answer"}
    answer = await office.http.post("/v1/reports/mine/messages", json={"body": "سوم آذر."}, headers=headers)
    assert answer.status_code == 201
    opened = await office.read(ann, id)
    assert opened.document["state"] == "investigating"
    assert {"body": "سوم آذر."} in opened.contents.values()
    await office.step(ann, id, type="evidence", note="فیش واریز پیوست است.")
    await office.step(ann, id, type="finding", substantiated=True, text="پول گرفته شده است.")
    decided = await office.step(
        ann,
        id,
        type="decide",
        to="judiciary",
        reference="۱۲۳/۴",
        text="پرونده به دادسرا فرستاده شد.",
        prevention="پرداخت نقدی در شعبه برچیده شود.",
    )
    assert decided["state"] == "outcome_told"
    closed = await office.step(ann, id, type="close", reason="پایان یافت.")
    assert (closed["state"], closed["clocks"]) == ("closed", [])
    mine = (await office.http.get("/v1/reports/mine", headers=reporter)).json()
    assert mine["state"] == "closed"
    assert [message["body"] for message in mine["messages"]] == [
        "در چه تاریخی بود؟",
        "سوم آذر.",
        "پرونده به دادسرا فرستاده شد.",
    ]
    assert "برچیده" not in str(mine), "the recommendation is for the file"
    kept = await office.steps(id)
    assert [row["seq"] for row in kept] == list(range(1, len(kept) + 1))
    states = list(dict.fromkeys(row["state"] for row in kept))
    assert states == [
        *("received", "acknowledged", "triaged", "investigating", "awaiting_reporter", "findings", "decision"),
        *("outcome_told", "closed"),
    ]
    leaves = await office.admin.fetch(
        "SELECT seq, hash FROM log_leaves WHERE chain = $1 ORDER BY seq", filed["report_no"]
    )
    assert [leaf["hash"] for leaf in leaves] == [row["leaf"] for row in kept]
    events = await office.admin.fetch("SELECT convert_from(body, 'UTF8') AS body FROM outbox WHERE subject = $1", id)
    assert len(events) == len(kept), "every step is told, readings too"


async def test_checks_run_in_the_order_404_403_428_412_409(office: Offices, people: People) -> None:
    filed = await office.file()
    id, ann, bob = filed["id"], people["ann"], people["bob"]
    assert (await office.try_step(bob, id, None, type="assign", inspector="bob", grant=_any_age())).status_code == 404
    assert (await office.try_step(ann, id, None, type="assign", inspector="bob", grant=_any_age())).status_code == 403
    assert (await office.try_step(ann, id, None, type="finding", substantiated=True, text="x")).status_code == 428
    assert (await office.try_step(ann, id, '"99"', type="finding", substantiated=True, text="x")).status_code == 412
    refused = await office.try_step(ann, id, type="finding", substantiated=True, text="x")
    assert (refused.status_code, refused.json()["code"]) == (409, "state_does_not_allow")


def _any_age() -> str:
    return seal_field("x", [SecretKey.generate().recipient])


async def test_a_step_needs_its_text_once_plain_or_sealed(office: Offices, people: People) -> None:
    filed = await office.file()
    id, ann = filed["id"], people["ann"]
    await office.step(ann, id, type="acknowledge")
    triage: dict[str, Any] = {"type": "triage", "priority": "low", "admissible": True}
    missing = await office.try_step(ann, id, **triage)
    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "/note")
    twice = await office.try_step(ann, id, **triage, note="یک", sealed_note=_any_age())
    assert (twice.status_code, twice.json()["errors"][0]["code"]) == (422, "plain_and_sealed")
    wrong = await office.try_step(ann, id, **triage, sealed_note="bm90IGFnZQ==")
    assert wrong.status_code == 422
    assert (await office.try_step(ann, id, type="evidence", note="x", attachments=["nothing"])).status_code == 422
    assert len(await office.steps(id, "triage")) == 0


async def test_what_the_device_sealed_opens_for_the_readers_and_for_the_reporter(
    office: Offices, people: People
) -> None:
    filed = await office.file()
    id, ann = filed["id"], people["ann"]
    await office.step(ann, id, type="acknowledge")
    opened = await office.read(ann, id)
    step = opened.sealed({"type": "message", "body": "پیام رمزشده"})
    assert "body" not in step
    await office.step(ann, id, **step)
    assert {"body": "پیام رمزشده"} in (await office.read(people["supervisor"], id)).contents.values()
    mine = (await office.http.get("/v1/reports/mine", headers=await office.reporter(filed))).json()
    assert [message["body"] for message in mine["messages"]] == ["پیام رمزشده"]


async def test_every_reading_is_a_step_and_changes_no_etag(office: Offices, people: People) -> None:
    filed = await office.file()
    path = f"/v1/inspect/reports/{filed['id']}"
    first = await office.http.get(path, headers=people["ann"].headers)
    second = await office.http.get(path, headers=people["supervisor"].headers)
    assert first.headers["ETag"] == second.headers["ETag"]
    assert [reading["by"] for reading in second.json()["readings"]] == ["ann", "supervisor"]
    read = await office.steps(filed["id"], "read")
    assert [row["actor"] for row in read] == ["ann", "supervisor"]
    assert not any(row["visible"] for row in read), "the reporter does not see who looked"


async def test_nobody_of_the_accused_body_sees_it(office: Offices, people: People) -> None:
    about_sso, about_other = await office.file(), await office.file(organisation_id="behzisti", province="IR-10")
    sso = people["sso"]
    chief = await office.holder("chief", "supervisor", department_id="sso-insurance")
    for person in (sso, chief):
        listed = (await office.http.get("/v1/inspect/reports", headers=person.headers)).json()["items"]
        assert about_sso["report_no"] not in [item["report_no"] for item in listed]
        path = f"/v1/inspect/reports/{about_sso['id']}"
        assert (await office.http.get(path, headers=person.headers)).status_code == 404
    boss = people["supervisor"]
    opened = await office.read(boss, about_sso["id"])
    to_sso = {"type": "assign", "inspector": "sso", **opened.regrant(sso.key.recipient)}
    assert (await office.try_step(boss, about_sso["id"], **to_sso)).status_code == 422
    opened = await office.read(boss, about_other["id"])
    await office.step(boss, about_other["id"], type="assign", inspector="sso", **opened.regrant(sso.key.recipient))
    assert (await office.read(sso, about_other["id"])).contents[1] is not None


async def test_assigning_gives_the_keys_and_takes_what_comes_from_whoever_had_them(
    office: Offices, people: People
) -> None:
    filed = await office.file()
    id, ann, bob, boss = filed["id"], people["ann"], people["bob"], people["supervisor"]
    await office.step(ann, id, type="acknowledge")
    old = await office.read(ann, id)
    opened = await office.read(boss, id)
    assigned = await office.step(boss, id, type="assign", inspector="bob", **opened.regrant(bob.key.recipient))
    assert (assigned["inspector"], assigned["epoch"]) == ("bob", 2)
    assert (await office.http.get(f"/v1/inspect/reports/{id}", headers=ann.headers)).status_code == 404
    await office.step(bob, id, type="triage", priority="normal", admissible=True, note="تازه")
    mine = await office.read(bob, id)
    assert mine.contents[1] is not None
    assert {"note": "تازه"} in mine.contents.values()
    # what ann kept opens nothing that came later
    later = OpenedReport.of({**mine.document, "grants": old.document["grants"]}, ann.key)
    assert later.contents[1] is not None
    assert {"note": "تازه"} not in later.contents.values()
    # and back again: a key that was taken away may be granted anew
    opened = await office.read(boss, id)
    again = await office.step(boss, id, type="assign", inspector="ann", **opened.regrant(ann.key.recipient))
    assert (again["inspector"], again["epoch"]) == ("ann", 3)
    assert set((await office.read(ann, id)).keys) == {1, 2, 3}
    partial = (await office.read(boss, id)).regrant(bob.key.recipient) | {"earlier": {}}
    refused = await office.try_step(boss, id, type="assign", inspector="bob", **partial)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "epochs_missing")
    same = (await office.read(boss, id)).regrant(ann.key.recipient)
    assert (await office.try_step(boss, id, type="assign", inspector="ann", **same)).json()["code"] == "same_inspector"
    assert await check_manifests(office.admin) > 12, "the leaves cover every row, also those of keys taken and given"


async def test_whoever_recuses_themselves_loses_access_and_a_supervisor_is_told(
    office: Offices, people: People
) -> None:
    filed = await office.file()
    id, ann, boss = filed["id"], people["ann"], people["supervisor"]
    opened = await office.read(ann, id)
    step = opened.sealed({"type": "recuse", "reason": "خویشاوند است."})
    await office.step(ann, id, **step)
    assert (await office.http.get(f"/v1/inspect/reports/{id}", headers=ann.headers)).status_code == 404
    query = {"unassigned": "true"}
    listed = (await office.http.get("/v1/inspect/reports", params=query, headers=boss.headers)).json()["items"]
    assert [item["report_no"] for item in listed] == [filed["report_no"]]
    assert "assign" in [clock["clock"] for clock in listed[0]["clocks"]]
    seen = await office.read(boss, id)
    assert seen.document["epoch"] == 2
    assert {"reason": "خویشاوند است."} in seen.contents.values()
    shares = await office.admin.fetchval("SELECT count(*) FROM recovery_shares WHERE report_id = $1", UUID(id))
    assert shares == 2 * 6, "each epoch's key is split among the custodians: C(3,2) sets of two"


async def test_a_new_key_gets_the_old_reports_keys_from_a_supervisor(office: Offices, people: People) -> None:
    filed = await office.file()
    id, ann, boss = filed["id"], people["ann"], people["supervisor"]
    ann.key = SecretKey.generate()
    await office.register(ann)
    assert (await office.read(ann, id)).keys == {}
    grant = (await office.read(boss, id)).regrant(ann.key.recipient)
    await office.step(boss, id, type="grant", holder="ann", **grant)
    assert (await office.read(ann, id)).contents[1] is not None
    again = await office.try_step(boss, id, type="grant", holder="ann", **grant)
    assert (again.status_code, again.json()["code"]) == (409, "granted_before")
    assert (await office.try_step(boss, id, type="grant", holder="bob", **grant)).status_code == 422
    new = await office.holder("deputy", "supervisor")
    assert (await office.http.get(f"/v1/inspect/reports/{id}", headers=new.headers)).status_code == 404
    await office.step(
        boss, id, type="grant", holder="deputy", **(await office.read(boss, id)).regrant(new.key.recipient)
    )
    assert (await office.read(new, id)).contents[1] is not None


async def test_the_device_notices_a_foreign_key_in_the_place_of_the_reports(office: Offices, people: People) -> None:
    filed = await office.file()
    document = dict((await office.read(people["ann"], filed["id"])).document)
    document["epochs"] = [{"epoch": 1, "recipient": SecretKey.generate().recipient}]
    with pytest.raises(NotGranted):
        OpenedReport.of(document, people["ann"].key)


async def test_evidence_brings_files_which_only_the_readers_open(office: Offices, people: People) -> None:
    filed = await office.file()
    id, ann = filed["id"], people["ann"]
    await office.step(ann, id, type="acknowledge")
    content = b"%PDF-1.7\n" + b"CANARY" * 100
    upload = await office.upload(ann, content)
    assert (await office.try_step(people["supervisor"], id, type="evidence", note="x", attachments=[upload])).json()[
        "errors"
    ][0]["code"] == "unknown_upload", "it is ann's"
    await office.step(ann, id, type="evidence", note="قرارداد", attachments=[upload])
    opened = await office.read(ann, id)
    (file,) = opened.document["attachments"]
    path = f"/v1/inspect/reports/{id}/attachments/{file['n']}"
    assert (await office.http.get(path, headers=ann.headers)).status_code == 404, "it could not be cleaned"
    answer = await office.http.get(path, params={"original": "true"}, headers=ann.headers)
    assert answer.status_code == 200
    assert sha256(answer.content).hexdigest() == file["original_sha256"]
    assert opened.file(file, answer.content) == content
    for person in (people["bob"], people["sso"]):
        assert (await office.http.get(path, params={"original": "true"}, headers=person.headers)).status_code == 404
    assert (await office.http.get(f"{path}9", headers=ann.headers)).status_code == 404
    readings = (await office.read(ann, id)).document["readings"]
    assert [reading["file"] for reading in readings] == [None, 1, None]
    await check_manifests(office.admin)


async def test_a_report_that_is_not_admitted_ends_and_may_be_reopened(office: Offices, people: People) -> None:
    first, second = await office.file(), await office.file()
    ann = people["ann"]
    for filed in (first, second):
        await office.step(ann, filed["id"], type="acknowledge")
    triage: dict[str, Any] = {"type": "triage", "priority": "low", "admissible": False, "note": "همان موضوع"}
    unknown = await office.try_step(
        ann, second["id"], **triage, disposition="merged", merged_into="00000000-0000-4000-8000-000000000000"
    )
    assert unknown.status_code == 422
    assert (await office.try_step(ann, second["id"], **triage, disposition="merged")).status_code == 422
    itself = await office.try_step(ann, second["id"], **triage, disposition="merged", merged_into=second["id"])
    assert itself.json()["code"] == "merged_into_itself"
    merged = await office.step(ann, second["id"], **triage, disposition="merged", merged_into=first["id"])
    assert merged["state"] == "merged"
    reopened = await office.step(ann, second["id"], type="reopen", reason="موضوع دیگری است.")
    assert reopened["state"] == "reopened"
    assert {clock["clock"] for clock in reopened["clocks"]} == {"begin", "feedback"}
    plain = await office.step(ann, first["id"], **triage)
    assert plain["state"] == "out_of_scope"


async def test_lists_are_filtered_and_paged(office: Offices, people: People) -> None:
    numbers = {(await office.file())["report_no"] for _ in range(5)}
    boss = people["supervisor"]
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await office.http.get("/v1/inspect/reports", params=params, headers=boss.headers)).json()
        seen += [item["report_no"] for item in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert len(seen) == 5
    assert set(seen) == numbers
    for params, count in (({"state": "received"}, 5), ({"organisation": "behzisti"}, 0), ({"inspector": "ann"}, 5)):
        page = (await office.http.get("/v1/inspect/reports", params=params, headers=boss.headers)).json()
        assert len(page["items"]) == count
    wrong = await office.http.get("/v1/inspect/reports", params={"state": "nonsense"}, headers=boss.headers)
    assert wrong.status_code == 422


async def test_a_steps_texts_stand_nowhere_in_the_clear(office: Offices, people: People) -> None:
    filed = await office.file()
    id, ann = filed["id"], people["ann"]
    await office.step(ann, id, type="acknowledge")
    await office.step(ann, id, type="message", body="قناری‌پیام")
    for table in ("reports", "report_steps", "outbox", "log_leaves"):
        rows = await office.admin.fetch(f"SELECT * FROM {table}")
        assert rows
        for row in rows:
            for value in row.values():
                data = value if isinstance(value, bytes) else str(value).encode()
                assert "قناری".encode() not in data
                assert b64(ann.key.secret_text().encode()) not in data


def b64(data: bytes) -> bytes:
    return base64.b64encode(data)


async def test_nobody_else_gets_in(office: Offices, people: People) -> None:
    filed = await office.file()
    path = f"/v1/inspect/reports/{filed['id']}"
    wrong = [
        Principal("public", "nobody"),
        Principal("citizen", "c"),
        Principal("partner", "p", scopes=frozenset({"cases:write", "cases:read_all"})),
        Principal("reporter", filed["id"]),
        *(
            Principal("staff", role, roles=frozenset({role}))
            for role in ("officer", "manager", "centre", "group", "operator", "admin", "custodian")
        ),
    ]
    for principal in wrong:
        headers = {**office.caller(principal), "If-Match": "*"}
        for answer in (
            await office.http.get("/v1/inspect/reports", headers=headers),
            await office.http.get(path, headers=headers),
            await office.http.post(f"{path}/steps", json={"type": "acknowledge"}, headers=headers),
            await office.http.get("/v1/inspect/summary", headers=headers),
        ):
            assert answer.status_code in (401, 403), principal
    summary = await office.http.get("/v1/inspect/summary", headers=people["ann"].headers)
    assert summary.status_code == 403
    assert len(await office.steps(filed["id"], "read", "acknowledge")) == 0


async def test_who_is_retired_gets_nothing_new_until_they_register_again(office: Offices, people: People) -> None:
    boss, ann = people["supervisor"], people["ann"]
    path = "/v1/inspect/keys/ann"
    assert (await office.http.delete(path, headers=people["bob"].headers)).status_code == 403
    assert (await office.http.delete(path, headers=boss.headers)).status_code == 204
    assert (await office.http.delete(path, headers=boss.headers)).status_code == 404
    filed = await office.file()
    assert (await office.http.get(f"/v1/inspect/reports/{filed['id']}", headers=ann.headers)).status_code == 404
    names = [
        item["username"] for item in (await office.http.get("/v1/inspect/keys", headers=boss.headers)).json()["items"]
    ]
    assert "ann" not in names
    await office.register(ann)
    kinds = await office.admin.fetch("SELECT seq FROM log_leaves WHERE chain = 'holder:ann' ORDER BY seq")
    assert [row["seq"] for row in kinds] == [1, 2, 3, 4]  # who she is, her key, retired, who she is again
    assert (await office.http.delete(path, headers=boss.headers)).status_code == 204
