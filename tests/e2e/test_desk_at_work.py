"""More of the desk over the gateway: the number that is shown on record, the stream, the directory, duplicates."""

import uuid
from typing import Any

import pytest

from deploy.local.client import Caller, System, complaint, wait_for
from tests.e2e.journeys import a_mobile, accepted, at_desk
from tests.e2e.test_desk import filed

pytestmark = pytest.mark.e2e


def test_a_number_is_shown_with_a_reason_that_the_manager_sees(system: System) -> None:
    _, case, mobile = filed(system)
    officer = accepted(system, case["id"])
    path = f"/v1/desk/cases/{case['id']}/contact"
    shown = wait_for(lambda: a if (a := ask(officer, path)).status_code == 200 else None, "intake's knowledge")
    assert shown.json() == {"mobile": mobile}
    assert ask(system.staff("officer.behzisti"), path).status_code == 404
    assert officer.request("POST", path, json={"reason": ""}).status_code == 422

    def recorded() -> dict[str, Any] | None:
        steps = system.staff("manager.sso-insurance").get(f"/v1/desk/cases/{case['id']}")["timeline"]
        return next((step for step in steps if step["type"] == "contact_shown"), None)

    step = wait_for(recorded, "the record")
    assert (step["note"], step["internal"]) == ("باید نشانی کارگاه را بپرسم.", True)
    assert len(system.texts_about(mobile, case["tracking_code"])) == 3


def ask(caller: Caller, path: str) -> Any:
    """Asks for the number."""
    return caller.request("POST", path, json={"reason": "باید نشانی کارگاه را بپرسم."})


def test_the_stream_comes_piece_by_piece_through_the_gateway(system: System) -> None:
    officer = system.staff("officer.sso-insurance")
    with system.http.stream("GET", "/v1/desk/stream", headers={"Authorization": officer.authorization}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert "event: ready" in [next(lines) for _ in range(3)]
        _, case, _ = filed(system)
        seen = next(line for line in lines if line.startswith("data:") and case["tracking_code"] in line)
        assert '"step":"assign"' in seen


def test_a_category_of_the_centres_can_be_filed_under_at_once_and_the_figures_count_it(system: System) -> None:
    centre = system.staff("centre")
    id = f"sso-insurance.e2e-{uuid.uuid4().hex[:6]}"
    entry = {"department_id": "sso-insurance", "name_fa": "موضوع آزمایشی", "name_en": "A trial", "sla_days": 4}
    made = centre.request("PUT", f"/v1/desk/directory/categories/{id}", json=entry, headers={"If-Match": "*"})
    assert made.status_code == 200
    citizen = system.citizen(a_mobile())

    def accepts() -> dict[str, Any] | None:
        body = {**complaint(), "category_id": id}
        answer = citizen.request("POST", "/v1/cases", json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
        return answer.json() if answer.status_code == 201 else None

    case = wait_for(accepts, "intake to hear of it")
    officer = system.staff("officer.sso-insurance")
    seen = wait_for(lambda: at_desk(officer, case["id"], "assigned"), "the assignment")
    assert seen["category"]["id"] == id
    parts = centre.get("/v1/desk/summary")["by_category"]
    assert next(part["open"] for part in parts if part["id"] == id) == 1
    assert centre.get("/v1/desk/rules")["items"] == []


def test_a_duplicate_is_found_and_merged_and_the_citizen_told_where_it_goes_on(system: System) -> None:
    citizen, first, mobile = filed(system)
    second = citizen.post("/v1/cases", complaint())
    officer = accepted(system, first["id"])
    wait_for(lambda: at_desk(officer, second["id"], "assigned"), "the assignment")
    path = f"/v1/desk/cases/{second['id']}"
    answer = officer.request("GET", path)
    assert {"id": first["id"], "same_person": True}.items() <= answer.json()["similar"][0].items()
    merged = officer.request(
        "POST", f"{path}/merge", json={"into": first["id"]}, headers={"If-Match": answer.headers["ETag"]}
    )
    assert merged.status_code == 200
    wait_for(lambda: True if citizen.get(f"/v1/cases/{second['id']}")["status"] == "closed" else None, "intake")
    told = wait_for(
        lambda: [t for t in system.texts_about(mobile, second["tracking_code"]) if "یکی شد" in t["text"]] or None,
        "the text",
    )
    assert first["tracking_code"] in told[0]["text"]
