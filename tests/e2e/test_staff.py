"""The staff directory over the gateway: who is made, works, and leaves, and what the services make of it."""

import random
import string
from typing import Any

import httpx
import pytest

from deploy.local.client import Caller, System, complaint, wait_for
from services.integrity.inspect.client import Office
from services.integrity.sealing.age import SecretKey
from tests.e2e.journeys import DEPARTMENT, a_mobile, at_desk
from tests.e2e.test_desk import filed

pytestmark = pytest.mark.e2e

CHOSEN = "رمزی که خودم برگزیدم"
ADMIN = "/v1/admin/staff"


def a_name(role: str) -> str:
    """A username that no other test uses."""
    return f"{role}.{''.join(random.SystemRandom().choices(string.ascii_lowercase, k=8))}"


def login(system: System, username: str, password: str, **more: str) -> httpx.Response:
    """A staff login."""
    return system.http.post("/v1/auth/staff", json={"username": username, "password": password, **more})


def changed(caller: Caller, username: str, **fields: Any) -> dict[str, Any]:
    """Changes an account as it stands."""
    tag = caller.request("GET", f"{ADMIN}/{username}").raise_for_status().headers["ETag"]
    answer = caller.request("PATCH", f"{ADMIN}/{username}", json=fields, headers={"If-Match": tag})
    after: dict[str, Any] = answer.raise_for_status().json()
    return after


def assigned(manager: Caller, case_id: str, officer: str) -> httpx.Response:
    """The answer to giving a case to somebody."""
    step = {"type": "assign", "department_id": DEPARTMENT, "officer": officer}
    return manager.request("POST", f"/v1/desk/cases/{case_id}/steps", json=step, headers={"If-Match": "*"})


def test_an_officer_is_made_works_and_leaves(system: System) -> None:
    username, centre, manager = a_name("officer"), system.staff("centre"), system.staff(f"manager.{DEPARTMENT}")
    body = {
        "username": username,
        "roles": ["officer"],
        "department_id": DEPARTMENT,
        "province": "IR-23",
        "name": "سارا کریمی",
        "title": "کارشناس بیمه",
        "totp": False,
    }
    initial = centre.post(ADMIN, body)["initial_password"]
    tokens = login(system, username, initial, new_password=CHOSEN).raise_for_status().json()
    officer = Caller(system.http, tokens["access_token"])
    listing = f"/v1/desk/directory/staff?department={DEPARTMENT}&province=IR-23&role=officer"

    def known() -> bool | None:
        return username in {item["username"] for item in manager.get(listing)["items"]} or None

    wait_for(known, "routing to hear of the officer")
    _, case, mobile = filed(system)
    wait_for(lambda: at_desk(manager, case["id"], "assigned"), "the assignment")
    for nobody in ("nobody.there", "officer.behzisti"):
        answer = assigned(manager, case["id"], nobody)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/officer")
    assert assigned(manager, case["id"], username).status_code == 200
    officer.step(case["id"], type="accept")

    def texts() -> int:
        return len(system.texts_about(mobile, case["tracking_code"]))

    wait_for(lambda: True if texts() == 4 else None, "the texts of registration, two assignments and the acceptance")

    changed(centre, username, active=False)
    assert officer.request("GET", "/v1/desk/cases").status_code == 401
    assert login(system, username, CHOSEN).status_code == 401
    unassigned = "/v1/desk/cases?unassigned=true&status=in_progress"

    def taken_back() -> bool | None:
        return case["id"] in {item["id"] for item in manager.get(unassigned)["items"]} or None

    wait_for(taken_back, "the case to be taken back")
    step = manager.get(f"/v1/desk/cases/{case['id']}")["timeline"][-1]
    assert (step["type"], step["internal"], step["data"]) == ("note", True, {"officer": username})
    assert assigned(manager, case["id"], username).status_code == 422
    assert texts() == 4, "the citizen is told nothing of it"
    record = system.staff("admin").get(f"/v1/admin/audit?subject={username}&actor=centre")["items"]
    assert [entry["action"] for entry in record] == ["staff.changed", "staff.read", "staff.created"]


def test_an_inspector_is_made_by_two_and_their_key_leaves_with_them(system: System) -> None:
    username, supervisor, admin = a_name("inspector"), system.staff("supervisor"), system.staff("admin")
    body = {"username": username, "roles": ["inspector"], "province": "IR-28", "name": "آرش سپیدنام", "title": "بازرس"}
    assert admin.request("POST", ADMIN, json=body, headers={"Idempotency-Key": username}).status_code == 403
    first = supervisor.post(ADMIN, {**body, "totp": False})["initial_password"]
    second = changed(admin, username, confirm=True)["initial_password"]
    assert login(system, username, first, new_password=CHOSEN).status_code == 401
    tokens = login(system, username, first + second, new_password=CHOSEN).raise_for_status().json()
    office = Office(system.http, tokens["access_token"], SecretKey.generate())
    office.register()

    def holders() -> set[str]:
        return {item["username"] for item in system.office("supervisor").holders()}

    assert username in holders()
    refused = admin.request("PATCH", f"{ADMIN}/{username}", json={"reset_password": True}, headers={"If-Match": "*"})
    assert refused.status_code == 403
    changed(admin, username, active=False)
    wait_for(lambda: True if username not in holders() else None, "the key to be retired")


def test_the_desk_lists_its_staff_and_what_waits_in_triage(system: System) -> None:
    centre = system.staff("centre")
    managers = centre.get("/v1/desk/directory/staff?role=manager&limit=100")["items"]
    assert f"manager.{DEPARTMENT}" in {item["username"] for item in managers}
    citizen = system.citizen(a_mobile())
    case = citizen.post("/v1/cases", complaint(category_id=None, subject="سلام", body="لطفاً رسیدگی کنید."))

    def waiting() -> dict[str, Any] | None:
        page = centre.get("/v1/desk/triage?limit=100")["items"]
        return next((item for item in page if item["id"] == case["id"]), None)

    item = wait_for(waiting, "the case in triage")
    assert (item["waiting_since"], item["overdue"]) == (item["registered_at"], False)
    figures = centre.get("/v1/desk/summary")["triage"]
    assert figures["waiting"] >= 1
    assert figures["overdue"] == 0
    assert citizen.request("GET", ADMIN).status_code == 403
