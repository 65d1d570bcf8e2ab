"""Whose account is in whose care: no one person gives access to reports of corruption."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routes import ROUTES
from gateway.staff import domain
from tests.gateway.staff.conftest import INSPECTOR, OFFICER, PASSWORD, PATH, Directory

CHOSEN = "رمزی که خودم برگزیدم"
SETS = st.frozensets(st.sampled_from(sorted(domain.ZRM | domain.IRM)), min_size=1)

CALLERS = ("nobody", "officer", "group", "centre", "supervisor", "admin")
WELCOME: dict[tuple[str, str], set[str]] = {
    ("GET", "/v1/admin/staff"): {"centre", "supervisor", "admin"},
    ("POST", "/v1/admin/staff"): {"centre", "admin"},
    ("GET", "/v1/admin/staff/{username}"): {"centre", "admin"},
    ("PATCH", "/v1/admin/staff/{username}"): {"centre", "admin"},
    ("GET", "/v1/admin/audit"): {"admin"},
}
"""Who gets an answer about an officer's account."""


def test_every_route_of_administration_is_in_the_table() -> None:
    assert {(r.method, r.template) for r in ROUTES if r.template.startswith("/v1/admin")} == WELCOME.keys()


@pytest.mark.parametrize("key", sorted(WELCOME), ids=" ".join)
async def test_who_gets_in(directory: Directory, key: tuple[str, str]) -> None:
    method, template = key
    await directory.create("admin", OFFICER)
    for who in CALLERS:
        body = {**OFFICER, "username": f"made.by-{who}"} if method == "POST" else {"title": "کارشناس"}
        path = template.replace("{username}", "officer.new")
        headers = {"If-Match": "*", "Idempotency-Key": "k"}
        answer = await directory.call(who, method, path, None if method == "GET" else body, **headers)
        if who in WELCOME[key]:
            assert answer.status_code in (200, 201), (who, answer.text)
        else:
            assert answer.status_code in ((401,) if who == "nobody" else (403, 404)), (who, answer.text)


@given(caller=SETS, account=SETS)
def test_no_one_role_gives_access_to_irm_and_nobody_of_zrm_reads_its_way_there(
    caller: frozenset[str], account: frozenset[str]
) -> None:
    reach = domain.reach(caller, account)
    if account & domain.IRM and reach == "whole":
        assert domain.needs_second(account)
        assert "supervisor" in caller
    if reach == "lock":
        assert "admin" in caller
        assert not caller & domain.IRM
    if reach != "none":
        assert account <= domain.visible(caller) or reach == "lock"
    if (
        caller <= domain.GIVEN_BY_CENTRE
        or caller == {"inspector"}
        or ("custodian" in caller - {"supervisor"} and ("supervisor" not in caller))
    ):
        assert reach == "none"


@pytest.mark.parametrize(
    ("who", "roles", "status"),
    [
        ("centre", ["officer"], 201),
        ("centre", ["centre"], 403),
        ("centre", ["admin"], 403),
        ("centre", ["inspector"], 403),
        ("admin", ["centre"], 201),
        ("admin", ["inspector"], 403),
        ("admin", ["supervisor"], 403),
        ("admin", ["custodian"], 403),
        ("supervisor", ["officer"], 403),
        ("supervisor", ["inspector"], 201),
        ("supervisor", ["custodian", "inspector"], 422),
    ],
)
async def test_who_makes_which_accounts(directory: Directory, who: str, roles: list[str], status: int) -> None:
    body = {**OFFICER, "roles": roles}
    assert (await directory.create(who, body)).status_code == status


async def test_an_inspector_is_made_by_two_and_neither_can_log_in_as_them(directory: Directory) -> None:
    made = await directory.create("supervisor", INSPECTOR)
    assert (made.status_code, made.json()["confirmed"], made.json()["initial_password_part"]) == (201, False, "first")
    first = made.json()["initial_password"]
    confirmed = await directory.change("admin", "inspector.new", made.headers["ETag"], confirm=True)
    assert (confirmed.status_code, confirmed.json()["confirmed"]) == (200, True)
    second = confirmed.json()["initial_password"]
    assert confirmed.json()["initial_password_part"] == "second"
    for part in (first, second, second + first):
        assert (await directory.login("inspector.new", part, new_password=CHOSEN)).status_code == 401
    assert (await directory.login("inspector.new", first + second, new_password=CHOSEN)).status_code == 200
    again = await directory.change("admin", "inspector.new", confirm=True)
    assert (again.status_code, again.json()["code"]) == (409, "confirmed_before")


async def test_until_it_is_confirmed_an_account_of_irm_is_locked(directory: Directory) -> None:
    made = (await directory.create("supervisor", INSPECTOR)).json()
    second = (await directory.change("admin", "inspector.new", confirm=True)).json()
    whole = made["initial_password"] + second["initial_password"]
    await directory.login("inspector.new", whole, new_password=CHOSEN)
    changes: list[dict[str, Any]] = [
        {"province": "IR-10"},
        {"totp": "remove"},
        {"active": True},
        {"reset_password": True},
    ]
    for change in changes:
        assert (await directory.change("supervisor", "inspector.new", **change)).json()["confirmed"] is False
        assert (await directory.login("inspector.new", CHOSEN)).status_code == 401, change
        assert (await directory.change("supervisor", "inspector.new", confirm=True)).status_code == 403
        after = (await directory.change("admin", "inspector.new", confirm=True)).json()
        assert (after["initial_password"] is None) == ("reset_password" not in change)
        status = 401 if "reset_password" in change else 200
        assert (await directory.login("inspector.new", CHOSEN)).status_code == status


async def test_an_admin_may_only_take_access_to_irm_away(directory: Directory) -> None:
    await directory.create("supervisor", INSPECTOR)
    await directory.change("admin", "inspector.new", confirm=True)
    given: list[dict[str, Any]] = [
        {"reset_password": True},
        {"totp": "enrol"},
        {"roles": ["supervisor"]},
        {"roles": ["officer"]},
        {"department_id": "behzisti"},
        {"active": True},
        {"active": False, "title": "بازرس ارشد"},
    ]
    for change in given:
        assert (await directory.change("admin", "inspector.new", **change)).status_code == 403, change
    assert (await directory.change("admin", "inspector.new", active=False)).status_code == 200
    assert (await directory.told("inspector.new"))[-1].data.active is False
    officer = str((await directory.call("admin", "GET", f"{PATH}?role=officer")).json()["items"][0]["username"])
    assert (await directory.change("admin", officer, roles=["inspector"])).status_code == 403
    assert (await directory.change("supervisor", officer, active=False)).status_code == 404
    assert (await directory.change("centre", "inspector.new", active=False)).status_code == 404
    last = await directory.change("admin", "supervisor", active=False)
    assert (last.status_code, last.json()["code"]) == (409, "last_of_role")
    enabled = await directory.change("supervisor", "inspector.new", active=True)
    assert (enabled.json()["active"], enabled.json()["confirmed"]) == (True, False)


async def test_each_sees_the_accounts_in_their_care(directory: Directory) -> None:
    await directory.create("supervisor", INSPECTOR)

    async def seen(who: str) -> set[str]:
        items = (await directory.call(who, "GET")).json()["items"]
        return {role for item in items for role in item["roles"]}

    assert await seen("centre") == {"officer", "group"}
    assert await seen("supervisor") == {"inspector", "supervisor"}
    assert await seen("admin") == {"admin", "centre", "group", "officer", "inspector", "supervisor"}
    assert (await directory.login("supervisor", PASSWORD)).status_code == 200
