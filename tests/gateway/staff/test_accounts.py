"""Accounts over the API: made, changed, disabled; what is told, recorded, and shown once."""

import asyncio
from typing import Any

import pyotp
import pytest

from gateway.seed import seed
from shared.contracts.gateway import StaffChangedData
from tests.gateway.conftest import PARTNER, STAFF
from tests.gateway.staff.conftest import OFFICER, PASSWORD, PATH, Directory, person

CHOSEN = "رمزی که خودم برگزیدم"


async def test_a_new_account_logs_in_by_choosing_a_password_and_not_before(directory: Directory) -> None:
    made = await directory.create("admin", OFFICER)
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    assert made.headers["Location"] == f"{PATH}/officer.new"
    account = made.json()
    assert (account["active"], account["confirmed"], account["password_initial"]) == (True, True, True)
    assert (account["initial_password_part"], account["totp_uri"]) == ("whole", None)
    initial = account["initial_password"]
    early = await directory.login("officer.new", initial)
    assert (early.status_code, early.json()["type"]) == (401, "urn:seda:problem:password-change-required")
    assert (await directory.login("officer.new", initial, new_password="کوتاه")).status_code == 422
    assert (await directory.login("officer.new", initial, new_password=initial)).status_code == 422
    chosen = await directory.login("officer.new", initial, new_password=CHOSEN)
    assert chosen.status_code == 200
    me = (await directory.gateway.me(chosen.json()["access_token"])).json()
    assert (me["roles"], me["department_id"], me["province"]) == (["officer"], "behzisti", "IR-23")
    assert (await directory.login("officer.new", initial)).status_code == 401
    assert (await directory.login("officer.new", CHOSEN)).status_code == 200
    shown = (await directory.call("centre", "GET", f"{PATH}/officer.new")).json()
    assert (shown["password_initial"], shown["name"]) == (False, OFFICER["name"])
    assert not {"initial_password", "totp_uri", "password_hash"} & shown.keys()
    told = [event.data for event in await directory.told("officer.new")]
    assert told == [
        StaffChangedData(
            username="officer.new",
            roles=("officer",),
            department_id="behzisti",
            province="IR-23",
            active=True,
            version=1,
        )
    ]


async def test_secrets_are_shown_once_and_kept_nowhere(directory: Directory) -> None:
    made = await directory.create("admin", {**OFFICER, "totp": True}, key="one")
    again = await directory.create("admin", {**OFFICER, "totp": True}, key="one")
    assert (again.status_code, again.headers["ETag"]) == (201, '"1"')
    assert (again.json()["initial_password"], again.json()["totp_uri"]) == (None, None)
    assert again.json() == {**made.json(), **dict.fromkeys([k for k in again.json() if k.startswith("initial_")])} | {
        "totp_uri": None
    }
    assert (await directory.create("admin", {**OFFICER, "province": "IR-10"}, key="one")).status_code == 422
    assert (await directory.create("admin", OFFICER)).json()["code"] == "username_taken"
    totp = pyotp.parse_uri(made.json()["totp_uri"])
    assert isinstance(totp, pyotp.TOTP)
    assert (totp.name, totp.issuer) == ("officer.new", "Seda")
    secrets = [made.json()["initial_password"], totp.secret]
    for table in ("staff", "idempotency", "outbox", "admin_audit"):
        rows = " ".join(await directory.gateway.column(f"SELECT {table}::text FROM {table}"))
        bodies = (
            await directory.gateway.column(f"SELECT body FROM {table}") if table in ("idempotency", "outbox") else []
        )
        whole = rows + "".join(bytes(body).decode() for body in bodies)
        assert "officer.new" in whole
        assert not [secret for secret in secrets if secret in whole], table
    login = {"password": made.json()["initial_password"], "new_password": CHOSEN}
    assert (await directory.login("officer.new", **login)).json()["type"] == "urn:seda:problem:totp-required"
    assert (await directory.login("officer.new", **login, totp=totp.now())).status_code == 200


async def test_an_initial_password_is_good_for_some_days_only(directory: Directory) -> None:
    initial = (await directory.create("admin", OFFICER)).json()["initial_password"]
    await directory.gateway.execute("UPDATE staff SET password_until = now() WHERE username = 'officer.new'")
    late = await directory.login("officer.new", initial, new_password=CHOSEN)
    assert (late.status_code, late.json()["type"]) == (401, "urn:seda:problem:unauthorized")
    reset = (await directory.change("admin", "officer.new", reset_password=True)).json()
    assert (await directory.login("officer.new", initial, new_password=CHOSEN)).status_code == 401
    answer = await directory.login("officer.new", reset["initial_password"], new_password=CHOSEN)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"active": False},
        {"reset_password": True},
        {"totp": "enrol"},
        {"roles": ["officer", "group"]},
        {"department_id": "sso-insurance"},
        {"province": None},
    ],
)
async def test_every_change_ends_the_logins_at_once_and_is_told(directory: Directory, change: dict[str, Any]) -> None:
    username, login = str(STAFF["username"]), (await directory.gateway.staff()).json()
    before = (await directory.call("admin", "GET", f"{PATH}/{username}")).headers["ETag"]
    changed = await directory.change("admin", username, before, **change)
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert (await directory.gateway.me(login["access_token"])).status_code == 401, "at once in this process"
    refreshed = await directory.gateway.token(grant_type="refresh_token", refresh_token=login["refresh_token"])
    assert refreshed.json() == {"error": "invalid_grant"}
    assert [(e.sequence, e.data.version) for e in await directory.told(username)] == [(2, 2)]
    event = (await directory.told(username))[-1]
    assert (event.actor.id, event.data.active) == ("admin", "active" not in change)
    assert (await directory.change("admin", username, before, title="مدیر")).status_code == 412
    assert (await directory.call("admin", "PATCH", f"{PATH}/{username}", {"title": "مدیر"})).status_code == 428


async def test_who_is_disabled_and_enabled_logs_in_again(directory: Directory) -> None:
    username = str(STAFF["username"])
    assert (await directory.change("centre", username, active=False)).json()["active"] is False
    assert (await directory.gateway.staff()).status_code == 401
    assert (await directory.change("centre", username, active=True)).status_code == 200
    assert (await directory.gateway.staff()).status_code == 200


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"department_id": "none"}, "/department_id", "unknown_department"),
        ({"department_id": None}, "/department_id", "department_required"),
        ({"roles": []}, "/roles", "too_few"),
        ({"roles": ["officer", "king"]}, "/roles/1", "not_allowed"),
        ({"roles": ["officer", "inspector"]}, "/roles", "realms_mixed"),
        ({"province": "IR-99"}, "/province", "unknown_province"),
        ({"username": "m0499370899"}, "/username", "username_numeric"),
        ({"username": "Ann"}, "/username", "bad_format"),
        ({"name": "‌"}, "/name", "too_short"),
        ({"password": "x"}, "/password", "unknown_field"),
    ],
)
async def test_what_cannot_be_is_named(directory: Directory, change: dict[str, Any], pointer: str, code: str) -> None:
    answer = await directory.create("admin", {**OFFICER, **change})
    assert answer.status_code == 422, answer.text
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [(pointer, code)]


async def test_the_department_needs_routing_and_nothing_is_made_without(directory: Directory) -> None:
    known = directory.gateway.upstream.behaviours.pop("departments")
    try:
        assert (await directory.create("admin", OFFICER)).status_code == 503
        assert (await directory.change("admin", str(STAFF["username"]), title="کارشناس ارشد")).status_code == 200
    finally:
        directory.gateway.upstream.behaviours["departments"] = known
    assert (await directory.call("admin", "GET", f"{PATH}/officer.new")).status_code == 404


async def test_nobody_changes_their_own_account_and_of_two_admins_one_stays(directory: Directory) -> None:
    own = await directory.change("admin", "admin", active=False)
    assert (own.status_code, own.json()["code"]) == (409, "own_account")
    async with directory.gateway.database.transaction() as connection:
        await seed(connection, [person("admin2", "admin")])
    second = (await directory.login("admin2", PASSWORD)).json()["access_token"]
    directory.tokens["admin2"] = second
    answers = await asyncio.gather(
        directory.change("admin", "admin2", active=False), directory.change("admin2", "admin", active=False)
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 401], [200, 409])
    assert await directory.gateway.column("SELECT count(*) FROM staff WHERE 'admin' = ANY(roles) AND NOT disabled") == [
        1
    ]


async def test_the_list_is_filtered_and_paged(directory: Directory) -> None:
    for n in range(3):
        await directory.create("admin", {**OFFICER, "username": f"officer.{n}", "province": f"IR-1{n}"})

    async def names(**filters: Any) -> list[str]:
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        return [item["username"] for item in (await directory.call("admin", "GET", f"{PATH}?{query}")).json()["items"]]

    first = await directory.call("admin", "GET", f"{PATH}?role=officer&limit=2")
    assert 'rel="next"' in first.headers["Link"]
    rest = await names(role="officer", limit=2, cursor=first.json()["next"])
    assert [item["username"] for item in first.json()["items"]] + rest == await names(role="officer")
    assert await names(province="IR-11", department="behzisti") == ["officer.1"]
    await directory.change("admin", "officer.1", active=False)
    assert await names(active="false") == ["officer.1"]
    assert (await directory.call("admin", "GET", f"{PATH}?role=king")).status_code == 422


async def test_what_was_done_and_read_is_on_record_without_names_and_secrets(directory: Directory) -> None:
    await directory.create("centre", OFFICER)
    await directory.change("admin", "officer.new", province="IR-10", name="سارا نیک‌نام", reset_password=True)
    await directory.call("centre", "GET", f"{PATH}/officer.new")
    page = (await directory.call("admin", "GET", "/v1/admin/audit?subject=officer.new")).json()
    assert [(item["actor"], item["action"], item["changes"]) for item in page["items"]] == [
        ("centre", "staff.read", {}),
        ("admin", "staff.changed", {"province": "IR-10", "name": True, "reset_password": True}),
        (
            "centre",
            "staff.created",
            {"roles": ["officer"], "department_id": "behzisti", "province": "IR-23"},
        ),
    ]
    first = (await directory.call("admin", "GET", "/v1/admin/audit?limit=1")).json()
    assert (first["items"][0]["action"], first["items"][0]["actor"]) == ("audit.read", "admin")
    second = (await directory.call("admin", "GET", f"/v1/admin/audit?limit=1&cursor={first['next']}")).json()
    assert second["items"][0]["action"] == "staff.read"
    only = (await directory.call("admin", "GET", "/v1/admin/audit?actor=centre&action=staff.created")).json()
    assert len(only["items"]) == 1


async def test_the_seed_tells_each_account_once_and_again_only_what_differs(directory: Directory) -> None:
    async def told() -> list[tuple[str, int]]:
        rows = await directory.gateway.column("SELECT subject FROM outbox WHERE type = 'staff.changed.v1'")
        return sorted((name, rows.count(name)) for name in set(rows))

    new = person("new", "group")
    for logins, times in (([new], 1), ([new, STAFF, PARTNER], 1), ([{**new, "title": "دبیر"}], 2)):
        async with directory.gateway.database.transaction() as connection:
            await seed(connection, logins)
        assert await told() == [("new", times)]
