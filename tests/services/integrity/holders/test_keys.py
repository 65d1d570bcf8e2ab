"""Registering a key: who may, what it changes, and what the log keeps of it."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.integrity.auditing.holders import audit_holders
from services.integrity.holders import repository
from services.integrity.log.chain import new_leaf, record
from services.integrity.log.leaf import Leaf
from services.integrity.sealing.age import SecretKey
from shared.kit.auth import Principal
from tests.services.integrity.people import Irm, staff


async def chain_of(irm: Irm, username: str) -> list[str]:
    """What the log says of a holder, in its order."""
    rows = await irm.database.fetch("SELECT leaf FROM log_leaves WHERE chain = $1 ORDER BY seq", f"holder:{username}")
    return [Leaf.decode(row["leaf"]).type for row in rows]


async def test_who_a_holder_is_is_a_leaf_whenever_it_changes(irm: Irm) -> None:
    person = staff("isfahan.a", "inspector", "لادن فروهر", "IR-10")
    body = {"recipient": irm.private["isfahan.a"].recipient}
    for province in ("IR-10", "IR-06", "IR-06", "IR-10"):
        moved = replace(person, province=province)
        answer = await irm.http.put("/v1/inspect/keys/me", json=body, headers=irm.caller(moved))
        assert answer.status_code == 200
        key_leaf = await irm.database.fetchval("SELECT leaf FROM holder_keys WHERE username = 'isfahan.a'")
        assert answer.json()["leaf"] == key_leaf.hex()
    assert await chain_of(irm, "isfahan.a") == ["holder_stated", "key_registered", "holder_stated", "holder_stated"]
    boss = irm.caller(staff("supervisor.a", "supervisor", "نگار پاک‌نژاد"))
    assert (await irm.http.delete("/v1/inspect/keys/isfahan.a", headers=boss)).status_code == 204
    assert await audit_holders(irm.database) == []
    await irm.http.put("/v1/inspect/keys/me", json=body, headers=irm.caller(person))
    assert (await chain_of(irm, "isfahan.a"))[4:] == ["holder_retired", "holder_stated"]
    assert await audit_holders(irm.database) == []


async def test_a_holder_of_before_there_were_statements_is_covered_from_the_next_registering(irm: Irm) -> None:
    """Their chain begins with the key, and nothing says who they are."""
    key = SecretKey.generate()
    async with irm.database_of_service.transaction() as connection:
        person = {"username": "old", "role": "inspector", "name": "پیشین", "active": True}
        now = datetime.now(UTC)
        leaf = new_leaf(
            chain="holder:old",
            seq=1,
            type="key_registered",
            at=now,
            actor="old",
            ciphertext=key.recipient.encode(),
            previous=None,
        )
        await record(connection, leaf)
        row = {"recipient": key.recipient, "registered_at": now}
        made = await repository.add_key(connection, id=uuid4(), username="old", seq=1, leaf=leaf.hash, **row)
        await repository.put_holder(connection, **person, **row, key_id=made.id, key_seq=1, last_leaf=leaf.hash)
    tamper = "UPDATE holders SET organisation_id = 'sso' WHERE username = 'old'"
    await irm.database.execute(tamper)
    assert await audit_holders(irm.database) == []
    caller = irm.caller(staff("old", "inspector", "پیشین"))
    answer = await irm.http.put("/v1/inspect/keys/me", json={"recipient": key.recipient}, headers=caller)
    assert answer.status_code == 200
    assert await audit_holders(irm.database) == []
    await irm.database.execute(tamper)
    assert [finding.row for finding in await audit_holders(irm.database)] == ["holder old"]
    await irm.database.execute("UPDATE holders SET organisation_id = NULL, active = false WHERE username = 'old'")


async def test_a_new_key_counts_from_now_on_and_old_grants_stay(irm: Irm) -> None:
    person = staff("supervisor.b", "supervisor", "بهمن راستگو")
    old = (await irm.file())["row"]
    await irm.register(person)
    new = (await irm.file())["row"]
    granted = {
        row["report_id"]: row["recipient"]
        for row in await irm.database.fetch(
            "SELECT report_id, recipient FROM grants JOIN holder_keys ON id = key_id WHERE holder = 'supervisor.b'"
        )
    }
    assert granted[old["id"]] != granted[new["id"]] == irm.private["supervisor.b"].recipient
    assert await chain_of(irm, "supervisor.b") == ["holder_stated", "key_registered", "key_registered"]


async def test_the_same_key_again_changes_nothing(irm: Irm) -> None:
    person = staff("supervisor.a", "supervisor", "نگار پاک‌نژاد")
    body = {"recipient": irm.private["supervisor.a"].recipient}
    before = await irm.database.fetchval("SELECT count(*) FROM log_leaves")
    first = await irm.http.put("/v1/inspect/keys/me", json=body, headers=irm.caller(person))
    again = await irm.http.put("/v1/inspect/keys/me", json=body, headers=irm.caller(person))
    assert first.json() == again.json()
    assert await irm.database.fetchval("SELECT count(*) FROM log_leaves") == before


@pytest.mark.parametrize("recipient", ["age1", "age1" + "q" * 58, "AGE-SECRET-KEY-1" + "Q" * 58, "", 7])
async def test_what_is_no_public_key_is_refused(irm: Irm, recipient: object) -> None:
    person = staff("tehran.a", "inspector", "آرش کیانی", "IR-23")
    answer = await irm.http.put("/v1/inspect/keys/me", json={"recipient": recipient}, headers=irm.caller(person))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/recipient"


@pytest.mark.parametrize(
    ("caller", "status"),
    [
        (Principal("public", "public"), 401),
        (Principal("citizen", "c"), 403),
        (staff("officer", "officer", "کارشناس"), 403),
        (staff("admin", "admin", "راهبر"), 403),
    ],
)
async def test_who_may_not_hold_a_key(irm: Irm, caller: Principal, status: int) -> None:
    body = {"recipient": SecretKey.generate().recipient}
    answer = await irm.http.put("/v1/inspect/keys/me", json=body, headers=irm.caller(caller))
    assert answer.status_code == status
