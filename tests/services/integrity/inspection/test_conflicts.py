"""Conflicts of interest, whoever gives keys and whenever: by name, by body, in whichever province."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from services.integrity.client import seal_report
from services.integrity.inspect.device import InConflict
from services.integrity.sealing.age import SecretKey
from shared.kit.auth import Principal
from tests.services.integrity.offices import REPORT, Offices, Person, check_manifests

NARRATIVE = "آقای نامدار در شعبه برای ثبت سابقه پول خواست و گرفت."

WHO: dict[str, dict[str, Any]] = {
    "named": {"name": "رضا نامدار", "province": "IR-10"},
    "of the body": {"name": "پری دوردست", "province": "IR-10", "department_id": "sso-insurance"},
    "of the province's office": {"name": "مهران همسایه", "province": "IR-23", "department_id": "sso-insurance"},
    "neither": {"name": "لاله بی‌طرف", "province": "IR-10"},
}
each = pytest.mark.parametrize("who", WHO)


async def staffed(office: Offices, *roles: str, who: str) -> dict[str, Person]:
    """An office where everything works without them, and the people in question: one of each role, by role."""
    await office.holder("boss", "supervisor", name="ناهید سرپرست")
    await office.holder("ann", "inspector", province="IR-23", name="آذر همیار")
    for n in (1, 2, 3):
        await office.holder(f"custodian.{n}", "custodian", name=f"امین {n}")
    return {role: await office.holder(f"some.{role}", role, **WHO[who]) for role in roles}


def person(office: Offices, username: str, role: str, key: SecretKey | None = None) -> Person:
    """Somebody's login, without their key."""
    found = office.staff(username, role)
    return found if key is None else Person(username, found.headers, key)


async def granted(office: Offices, id: str) -> set[str]:
    """Who was ever granted a key of the report."""
    rows = await office.admin.fetch("SELECT DISTINCT holder FROM grants WHERE report_id = $1", UUID(id))
    return {row["holder"] for row in rows}


async def excluded(office: Offices, id: str) -> set[str]:
    """Who is kept out of the report for being named."""
    rows = await office.admin.fetch("SELECT holder FROM report_exclusions WHERE report_id = $1", UUID(id))
    return {row["holder"] for row in rows}


@each
async def test_at_filing(office: Offices, who: str) -> None:
    await staffed(office, "supervisor", "inspector", who=who)
    await office.http.delete("/v1/inspect/keys/ann", headers=person(office, "boss", "supervisor").headers)
    id = (await office.file(narrative=NARRATIVE))["id"]
    free = {"some.supervisor", "some.inspector"} if who == "neither" else set()
    assert await granted(office, id) == {"boss"} | free
    assert await excluded(office, id) == ({"some.supervisor", "some.inspector"} if who == "named" else set())
    await check_manifests(office.admin)


@each
@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed by the client"])
async def test_at_a_later_assignment(office: Offices, who: str, sealed: bool) -> None:
    found = (await staffed(office, "inspector", who=who))["inspector"]
    boss = await office.holder("second", "supervisor", name="فرشته دوم")
    id = await (_sealed(office) if sealed else _plain(office))
    opened = await office.read(boss, id)
    step = {"type": "assign", "inspector": "some.inspector", **opened.regrant(found.key.recipient)}
    answer = await office.try_step(boss, id, **step)
    if who == "neither":
        assert answer.status_code == 200, answer.text
        assert (await office.read(found, id)).contents[1] is not None
    else:
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "not_assignable")
        assert "some.inspector" not in await granted(office, id)
    assert opened.is_about(WHO[who]["name"]) == (who == "named"), "the device says the same of names"


async def _plain(office: Offices) -> str:
    return str((await office.file(narrative=NARRATIVE))["id"])


async def _sealed(office: Offices) -> str:
    """A report that the service never reads, with the names that its client told of."""
    headers = {**office.caller(Principal("public", "nobody")), "Idempotency-Key": str(uuid4())}
    query = {"organisation_id": "sso", "province": "IR-23"}
    keys = (await office.http.get("/v1/reports/keys", params=query, headers=headers)).json()
    body = seal_report({**REPORT, "narrative": NARRATIVE}, keys, named=["رضا نامدار"]).body
    answer = await office.http.post("/v1/reports", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    query_id = "SELECT id::text FROM reports WHERE report_no = $1"
    return str(await office.admin.fetchval(query_id, answer.json()["report_no"]))


@each
async def test_at_rewrapping_for_a_supervisor(office: Offices, who: str) -> None:
    found = (await staffed(office, "supervisor", who=who))["supervisor"]
    boss = await office.holder("second", "supervisor", name="فرشته دوم")
    id = await _plain(office)
    found.key = SecretKey.generate()
    await office.register(found)
    rewrapped = (await office.read(boss, id)).regrant(found.key.recipient)
    answer = await office.try_step(boss, id, type="grant", holder=found.username, **rewrapped)
    if who == "neither":
        assert answer.status_code == 200, answer.text
        assert (await office.read(found, id)).contents[1] is not None
    else:
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "not_assignable")
        assert found.username not in await granted(office, id)


@each
@pytest.mark.parametrize("readers", [True, False], ids=["read by others", "read by nobody"])
async def test_at_a_recovery(office: Offices, who: str, readers: bool) -> None:
    """Also of a report that nobody can read, which the custodians give to whom they choose."""
    await staffed(office, "supervisor", "inspector", who=who)
    id = await _plain(office)
    if not readers:
        await office.admin.execute("DELETE FROM grants WHERE report_id = $1", UUID(id))
    custodian = person(office, "custodian.1", "custodian")
    for role in ("supervisor", "inspector"):
        answer = await office.http.post(
            f"/v1/inspect/reports/{id}/recovery",
            json={"reason": "کلید گم شد", "holder": f"some.{role}"},
            headers=custodian.headers,
        )
        if who == "neither" and (role == "supervisor" or not readers):
            assert answer.status_code == 200, answer.text
        else:
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "not_a_reader"), role


async def test_a_new_epoch_leaves_out_whoever_is_kept_out(office: Offices) -> None:
    await staffed(office, who="neither")
    boss = await office.holder("second", "supervisor", name="فرشته دوم")
    id = await _plain(office)
    for name in ("boss", "custodian.3"):
        await office.admin.execute("INSERT INTO report_exclusions VALUES ($1, $2, 1)", UUID(id), name)
    deputy = await office.holder("deputy", "inspector", name="جانشین نیک")
    opened = await office.read(boss, id)
    await office.step(boss, id, type="assign", inspector="deputy", **opened.regrant(deputy.key.recipient))
    for table, left in (("grants", {"second", "deputy"}), ("recovery_shares", {"custodian.1", "custodian.2"})):
        rows = await office.admin.fetch(f"SELECT holder FROM {table} WHERE report_id = $1 AND epoch = 2", UUID(id))
        assert {row["holder"] for row in rows} == left


async def test_who_was_retired_when_it_was_filed_stays_out_after_registering_again(office: Offices) -> None:
    found = (await staffed(office, "inspector", who="named"))["inspector"]
    boss = await office.holder("second", "supervisor", name="فرشته دوم")
    await office.http.delete("/v1/inspect/keys/some.inspector", headers=boss.headers)
    id = await _plain(office)
    await office.register(found)
    rewrapped = (await office.read(boss, id)).regrant(found.key.recipient)
    answer = await office.try_step(boss, id, type="assign", inspector="some.inspector", **rewrapped)
    assert answer.status_code == 422


async def test_who_registers_later_or_is_named_later_is_refused_by_the_device(office: Offices) -> None:
    await staffed(office, who="neither")
    boss = await office.holder("second", "supervisor", name="فرشته دوم")
    filed = await office.file(narrative=NARRATIVE)
    headers = {**await office.reporter(filed), "Idempotency-Key": "more"}
    message = {"body": "خانم دیررسیده هم در آن دست داشت."}
    assert (await office.http.post("/v1/reports/mine/messages", json=message, headers=headers)).status_code == 201
    await office.holder("late", "inspector", **WHO["named"])
    await office.holder("later", "inspector", name="پوران دیررسیده")
    await office.holder("free", "inspector", name="لاله بی‌طرف")
    opened = await office.read(boss, filed["id"])
    shown = (await office.http.get("/v1/inspect/keys", headers=boss.headers)).json()["items"]
    holders = {holder["username"]: holder for holder in shown}
    for named in ("late", "later"):
        with pytest.raises(InConflict, match=named):
            opened.regranted_to(holders[named])
    rewrapped = opened.regranted_to(holders["free"])
    assert (await office.step(boss, filed["id"], type="assign", inspector="free", **rewrapped))["inspector"] == "free"
