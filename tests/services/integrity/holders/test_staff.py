"""Whoever leaves the staff, or has another role there, holds no key any more; the log says so, and the audit agrees."""

import pytest

from services.integrity.auditing.holders import audit_holders
from services.integrity.holders.staff import keep_staff
from services.integrity.inspection.leaving import take_back
from services.integrity.sealing.age import SecretKey
from shared.contracts.gateway import StaffChanged, StaffChangedData
from shared.kit.auth import Principal
from shared.kit.outbox import new_event
from tests.services.integrity.people import Irm, staff


async def tell(irm: Irm, person: Principal, version: int, *roles: str, active: bool = True) -> None:
    """Brings a ``staff.changed`` about somebody, with the roles that they have, or others."""
    data = StaffChangedData(username=person.subject, roles=roles or tuple(person.roles), active=active, version=version)
    event = new_event(StaffChanged, subject=person.subject, sequence=version, data=data)
    async with irm.database_of_service.transaction() as connection:
        await keep_staff(connection, event)


async def types(irm: Irm, username: str) -> list[str]:
    """What the log has of a holder, in order."""
    query = "SELECT convert_from(leaf, 'UTF8')::jsonb ->> 'type' AS type FROM log_leaves WHERE chain = $1 ORDER BY seq"
    return [row["type"] for row in await irm.database.fetch(query, f"holder:{username}")]


@pytest.mark.parametrize(("name", "roles", "active"), [("lea", (), False), ("leo", ("officer",), True)])
async def test_who_leaves_is_retired_with_a_leaf_and_gets_nothing_new(
    irm: Irm, name: str, roles: tuple[str, ...], active: bool
) -> None:
    person = staff(name, "supervisor", f"{name} رهگذر")
    await irm.register(person)
    await tell(irm, person, 1)
    assert await types(irm, name) == ["holder_stated", "key_registered"]
    await tell(irm, person, 2, *roles, active=active)
    await tell(irm, person, 3, *roles, active=active)
    assert await types(irm, name) == ["holder_stated", "key_registered", "holder_retired"], "once"
    filed = await irm.file()
    granted = await irm.database.fetch("SELECT holder FROM grants WHERE report_id = $1", filed["row"]["id"])
    assert name not in {row["holder"] for row in granted}
    refused = await irm.http.put(
        "/v1/inspect/keys/me", json={"recipient": SecretKey.generate().recipient}, headers=irm.caller(person)
    )
    assert refused.status_code == 403, "a token that is still good registers no key"
    assert await audit_holders(irm.database) == []


async def test_who_comes_back_registers_again_and_a_late_word_does_not_retire_them(irm: Irm) -> None:
    person = staff("lin", "inspector", "لین رهگذر", "IR-10")
    key = await irm.register(person)
    await tell(irm, person, 4, active=False)
    await tell(irm, person, 5)
    again = await irm.http.put("/v1/inspect/keys/me", json={"recipient": key.recipient}, headers=irm.caller(person))
    assert again.status_code == 200
    await tell(irm, person, 3, active=False)
    assert await types(irm, "lin") == ["holder_stated", "key_registered", "holder_retired", "holder_stated"]
    assert await audit_holders(irm.database) == []


async def test_another_role_than_the_one_of_the_key_retires_it(irm: Irm) -> None:
    person = staff("lou", "inspector", "لو رهگذر", "IR-10")
    await irm.register(person)
    await tell(irm, person, 2, "inspector", "supervisor")
    assert await types(irm, "lou") == ["holder_stated", "key_registered"]
    await tell(irm, person, 3, "custodian")
    assert await types(irm, "lou") == ["holder_stated", "key_registered", "holder_retired"]


async def test_a_retirement_that_is_undone_in_the_database_is_found(irm: Irm) -> None:
    person = staff("liv", "inspector", "لیو رهگذر", "IR-10")
    await irm.register(person)
    await tell(irm, person, 2, active=False)
    for change in ("active = true", "key_seq = 1", "last_leaf = ''"):
        async with irm.database.transaction():
            before = await irm.database.fetchrow("SELECT * FROM holders WHERE username = 'liv'")
            await irm.database.execute(f"UPDATE holders SET {change} WHERE username = 'liv'")
            findings = await audit_holders(irm.database)
            assert [finding.row for finding in findings] == ["holder liv"], change
            await irm.database.execute(
                "UPDATE holders SET active = $1, key_seq = $2, last_leaf = $3 WHERE username = 'liv'",
                *(before[name] for name in ("active", "key_seq", "last_leaf")),
            )


async def test_the_open_reports_of_who_left_are_sealed_anew_and_wait_for_somebody_else(irm: Irm) -> None:
    person = staff("lars", "inspector", "لارس رهگذر", "IR-15")
    await irm.register(person)
    filed = (await irm.file(province="IR-15", organisation_id="behzisti"))["row"]
    assert filed["assignee"] == "lars"
    inspection = irm.resources.inspection
    assert await take_back(irm.database_of_service, inspection) == 0
    await tell(irm, person, 2, active=False)
    assert await take_back(irm.database_of_service, inspection) == 1
    assert await take_back(irm.database_of_service, inspection) == 0
    after = await irm.row(filed["report_no"])
    assert (after["assignee"], after["epoch"], after["state"]) == (None, filed["epoch"] + 1, filed["state"])
    assert after["unassigned_since"] is not None
    steps = await irm.database.fetch("SELECT * FROM report_steps WHERE report_id = $1 ORDER BY seq", filed["id"])
    assert [(step["type"], step["actor"]) for step in steps][-2:] == [
        ("access_ended", "system"),
        ("key_renewed", "system"),
    ]
    in_force = await irm.database.fetch(
        "SELECT holder, epoch FROM grants WHERE report_id = $1 AND revoked_seq IS NULL", filed["id"]
    )
    assert {row["holder"] for row in in_force} == {"supervisor.a", "supervisor.b"}
    assert {row["epoch"] for row in in_force} == {filed["epoch"], filed["epoch"] + 1}
