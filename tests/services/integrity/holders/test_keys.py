"""Registering a key: who may, what it changes, and what the log keeps of it."""

import pytest

from services.integrity.sealing.age import SecretKey
from shared.kit.auth import Principal
from tests.services.integrity.people import Irm, staff


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
    chain = await irm.database.fetch("SELECT seq FROM log_leaves WHERE chain = 'holder:supervisor.b' ORDER BY seq")
    assert [leaf["seq"] for leaf in chain] == [1, 2]


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
