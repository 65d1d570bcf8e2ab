"""A reporter's identity and a lost key, opened by a quorum, to the end; with n and k from the settings."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.integrity.client import seal_report
from services.integrity.inspect import device
from services.integrity.reports.content import seal_field
from services.integrity.sealing.age import NotOpened, SecretKey
from services.integrity.sealing.shares import NotRecovered
from shared.kit.auth import Principal
from tests.services.integrity.inspection.conftest import clear
from tests.services.integrity.offices import REPORT, Offices, Person, check_manifests, offices

CONFIDENTIAL: dict[str, Any] = {
    "mode": "confidential",
    "contact": {"name": "مریم گزارشگر", "mobile": "09121112233", "notify": False},
}


async def post(office: Offices, who: Person, id: str, kind: str, **body: Any) -> Any:
    """What a custodian sends is taken; the opening after it."""
    answer = await office.http.post(f"/v1/inspect/reports/{id}/{kind}", json=body, headers=who.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(office: Offices, who: Person, id: str, kind: str, **body: Any) -> tuple[int, str | None]:
    """How what a custodian sends is refused."""
    answer = await office.http.post(f"/v1/inspect/reports/{id}/{kind}", json=body, headers=who.headers)
    return answer.status_code, answer.json().get("code")


async def opening(office: Offices, who: Person, id: str, kind: str) -> Any:
    """The newest opening as a custodian sees it."""
    answer = await office.http.get(f"/v1/inspect/reports/{id}/{kind}", headers=who.headers)
    return answer.json()["items"][-1]


@pytest.fixture(params=[(3, 2), (5, 3)], ids=["2 of 3", "3 of 5"])
async def quorum(dsn: str, folder: Path, request: pytest.FixtureRequest) -> AsyncIterator[tuple[Offices, int, int]]:
    """integrity with so many custodians, and how many of them are a quorum."""
    n, k = request.param
    async with offices(dsn, folder, custodians=n, quorum=k) as office:
        await clear(office.admin)
        yield office, n, k


async def staffed(office: Offices, n: int) -> dict[str, Person]:
    """A supervisor, an inspector, and so many custodians."""
    people = [
        await office.holder("supervisor", "supervisor"),
        await office.holder("ann", "inspector", province="IR-23"),
        *[await office.holder(f"custodian.{i}", "custodian") for i in range(1, n + 1)],
    ]
    return {person.username: person for person in people}


async def test_a_lost_key_is_recovered_by_a_quorum_and_its_owner_reads_on(quorum: tuple[Offices, int, int]) -> None:
    office, n, k = quorum
    people = await staffed(office, n)
    ann = people["ann"]
    filed = await office.file()
    id = filed["id"]
    # two epochs: ann recuses herself, a second inspector gets it, then ann again
    opened = await office.read(people["supervisor"], id)
    bob = await office.holder("bob", "inspector")
    await office.step(people["supervisor"], id, type="assign", inspector="bob", **opened.regrant(bob.key.recipient))
    await office.step(bob, id, type="acknowledge")
    bob.key = SecretKey.generate()
    await office.register(bob)
    assert (await office.read(bob, id)).keys == {}
    ask, *others = [people[f"custodian.{i}"] for i in range(1, n + 1)]
    told = await post(office, ask, id, "recovery", reason="دستگاه بازرس سوخت.", holder="bob")
    assert (told["complete"], told["given_by"], len(told["keys"])) == (False, [], 2)
    assert device.reason_of(told, others[0].key) == "دستگاه بازرس سوخت."
    request = told["request"]
    assert await refused(office, ask, id, "recovery", request=request, grants={"1": _age(), "2": _age()}) == (
        409,
        "too_few_shares",
    )
    for giver in others[: k - 1]:
        seen = await opening(office, giver, id, "recovery")
        assert seen["given_shares"] is None, "what is given is for whoever asked"
        with pytest.raises(NotRecovered):
            device.recovered(seen, giver.key)
        told = await post(office, giver, id, "recovery", request=request, shares=device.given(seen, giver.key))
        assert told["given_shares"] is None
    complete = await opening(office, ask, id, "recovery")
    assert complete["complete"]
    assert set(device.recovered(complete, ask.key)) == {1, 2}
    grants = device.grants_to_holder(complete, ask.key)
    assert await refused(office, ask, id, "recovery", request=request, grants={"1": grants["1"]}) == (422, None)
    assert await refused(office, others[0], id, "recovery", request=request, grants=grants) == (403, None)
    assert (await post(office, ask, id, "recovery", request=request, grants=grants))["finished"]
    assert (await office.read(bob, id)).contents[1] is not None
    assert set((await office.read(bob, id)).keys) == {1, 2}
    assert await refused(office, ask, id, "recovery", request=request, grants=grants) == (409, "finished_before")
    kept = [row["type"] for row in await office.steps(id)]
    assert kept.count("recovery_given") == k - 1
    assert kept.count("recovery_asked") == kept.count("recovery_finished") == 1
    assert ann.key.recipient not in str(complete), "ann has no part in it"
    await check_manifests(office.admin)


def _age() -> str:
    return seal_field("x", [SecretKey.generate().recipient])


async def test_an_identity_is_opened_by_two_custodians_with_a_reason_and_by_nobody_alone(
    quorum: tuple[Offices, int, int],
) -> None:
    office, n, _ = quorum
    people = await staffed(office, n)
    filed = await office.file(**CONFIDENTIAL)
    id = filed["id"]
    shares = await office.admin.fetch("SELECT DISTINCT holder FROM identity_shares")
    first, second = (people[row["holder"]] for row in shares)
    outsider = next(
        person for name, person in people.items() if name.startswith("custodian") and person not in (first, second)
    )
    assert (await office.http.get(f"/v1/inspect/reports/{id}/identity", headers=outsider.headers)).status_code == 404
    assert (await refused(office, outsider, id, "identity", reason="می‌خواهم بدانم"))[0] == 404
    assert (await refused(office, first, id, "identity"))[0] == 422
    asked = await post(office, first, id, "identity", reason="حکم دادگاه ۱۲۳")
    assert (asked["complete"], asked["sealed"]) == (False, None)
    with pytest.raises((NotRecovered, NotOpened)):
        device.recovered(asked, first.key)
    assert await refused(office, first, id, "identity", request=asked["request"], shares=_of(asked, first)) == (
        409,
        "own_request",
    )
    seen = await opening(office, second, id, "identity")
    assert device.reason_of(seen, second.key) == "حکم دادگاه ۱۲۳"
    shares_given = device.given(seen, second.key)
    foreign = [{**shares_given[0], "among": ["custodian.1", "nobody"]}]
    assert (await refused(office, second, id, "identity", request=asked["request"], shares=foreign))[0] == 422
    given = await post(office, second, id, "identity", request=asked["request"], shares=shares_given)
    assert given["complete"]
    assert given["sealed"] is None, "whoever gave sees nothing"
    assert await refused(office, second, id, "identity", request=asked["request"], shares=shares_given) == (
        409,
        "given_before",
    )
    complete = await opening(office, first, id, "identity")
    assert device.identity(complete, first.key) == {"name": "مریم گزارشگر", "mobile": "+989121112233"}
    report = await office.read(people["supervisor"], id)
    kinds = [step["type"] for step in report.document["steps"]]
    assert kinds.count("identity_asked") == kinds.count("identity_given") == 1
    assert {"reason": "حکم دادگاه ۱۲۳"} in report.contents.values(), "the supervisor sees why"
    assert "share" not in str([step["data"] for step in report.document["steps"]])


def _of(opening: Any, who: Person) -> Any:
    return device.given(opening, who.key)


async def test_an_anonymous_report_has_no_identity_and_nobody_but_custodians_asks(
    office: Offices, people: dict[str, Person]
) -> None:
    filed = await office.file()
    id = filed["id"]
    assert (await refused(office, people["custodian.1"], id, "identity", reason="کیست؟"))[0] == 404
    for name in ("ann", "supervisor"):
        for kind in ("identity", "recovery"):
            assert (await refused(office, people[name], id, kind, reason="کیست؟", holder="ann"))[0] == 403
    admin = Person("admin", office.caller(Principal("staff", "admin", roles=frozenset({"admin"}))))
    assert (await refused(office, admin, id, "recovery", reason="کیست؟", holder="ann"))[0] == 403
    assert len(await office.steps(id)) == 2


async def test_a_recovery_is_for_somebody_who_has_the_report(office: Offices, people: dict[str, Person]) -> None:
    filed = await office.file()
    custodian = people["custodian.1"]
    for holder in ("bob", "sso", "nobody"):
        assert (await refused(office, custodian, filed["id"], "recovery", reason="x", holder=holder))[0] == 422
    unregistered = office.staff("custodian.9", "custodian")
    assert (await refused(office, unregistered, filed["id"], "recovery", reason="x", holder="ann"))[0] == 404


async def test_a_report_that_all_readers_are_in_conflict_with_is_given_to_whom_the_custodians_choose(
    office: Offices,
) -> None:
    chief = await office.holder("chief", "supervisor", department_id="sso-insurance", name="چیف نمونه")
    one, two, three = [await office.holder(f"custodian.{n}", "custodian") for n in (1, 2, 3)]
    filed = await office.file()
    id = filed["id"]
    deputy = await office.holder("deputy", "supervisor")
    for person in (chief, deputy):
        assert (await office.http.get(f"/v1/inspect/reports/{id}", headers=person.headers)).status_code == 404
    waits = (await office.http.get("/v1/inspect/custody", headers=three.headers)).json()
    assert [row["report_no"] for row in waits["unread"]] == [filed["report_no"]]
    assert (await refused(office, one, id, "recovery", reason="x", holder="chief"))[0] == 422
    asked = await post(office, one, id, "recovery", reason="کسی نبود", holder="deputy")
    waits = (await office.http.get("/v1/inspect/custody", headers=two.headers)).json()
    assert [row["request"] for row in waits["asked"]] == [asked["request"]]
    seen = await opening(office, two, id, "recovery")
    await post(office, two, id, "recovery", request=asked["request"], shares=device.given(seen, two.key))
    assert (await office.http.get("/v1/inspect/custody", headers=two.headers)).json()["asked"] == []
    complete = await opening(office, one, id, "recovery")
    grants = device.grants_to_holder(complete, one.key)
    await post(office, one, id, "recovery", request=asked["request"], grants=grants)
    assert (await office.read(deputy, id)).contents[1] is not None
    assert (await office.step(deputy, id, type="acknowledge"))["state"] == "acknowledged"
    assert (await office.http.get("/v1/inspect/custody", headers=three.headers)).json()["unread"] == []


async def test_an_inspector_who_gets_a_report_from_the_custodians_has_it_and_may_recuse_himself(
    office: Offices,
) -> None:
    await office.holder("chief", "supervisor", department_id="sso-insurance", name="چیف نمونه")
    one, two, _ = [await office.holder(f"custodian.{n}", "custodian") for n in (1, 2, 3)]
    id = (await office.file())["id"]
    bob = await office.holder("bob", "inspector")
    for _ in range(2):
        asked = await post(office, one, id, "recovery", reason="کسی نبود", holder="bob")
        seen = await opening(office, two, id, "recovery")
        await post(office, two, id, "recovery", request=asked["request"], shares=device.given(seen, two.key))
        grants = device.grants_to_holder(await opening(office, one, id, "recovery"), one.key)
        await post(office, one, id, "recovery", request=asked["request"], grants=grants)
        assert (await office.read(bob, id)).document["inspector"] == "bob"
        await office.step(bob, id, type="recuse", reason="x")
        assert (await office.http.get(f"/v1/inspect/reports/{id}", headers=bob.headers)).status_code == 404
    await check_manifests(office.admin)


async def test_shares_that_a_client_split_give_the_keys_too(office: Offices, people: dict[str, Person]) -> None:
    headers = {**office.caller(Principal("public", "nobody")), "Idempotency-Key": "sealed-here"}
    query = {"organisation_id": "sso", "province": "IR-23"}
    keys = (await office.http.get("/v1/reports/keys", params=query, headers=headers)).json()
    plain = {**REPORT, **CONFIDENTIAL}
    contact = {name: value for name, value in CONFIDENTIAL["contact"].items() if name != "notify"}
    body = seal_report({**plain, "contact": {**contact, "mobile": "+989121112233"}}, keys).body
    answer = await office.http.post("/v1/reports", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    id = await office.admin.fetchval("SELECT id::text FROM reports WHERE report_no = $1", answer.json()["report_no"])
    assert (await office.read(people["supervisor"], id)).contents[1]
    custodians = [people[f"custodian.{n}"] for n in (1, 2, 3)]
    asked = await post(office, custodians[0], id, "recovery", reason="x", holder="supervisor")
    seen = await opening(office, custodians[1], id, "recovery")
    shares = device.given(seen, custodians[1].key)
    await post(office, custodians[1], id, "recovery", request=asked["request"], shares=shares)
    assert set(device.recovered(await opening(office, custodians[0], id, "recovery"), custodians[0].key)) == {1}
    shares = await office.admin.fetch("SELECT DISTINCT holder FROM identity_shares")
    first, second = (people[row["holder"]] for row in shares)
    asked = await post(office, first, id, "identity", reason="x")
    given = device.given(await opening(office, second, id, "identity"), second.key)
    await post(office, second, id, "identity", request=asked["request"], shares=given)
    complete = await opening(office, first, id, "identity")
    assert device.identity(complete, first.key) == {"name": "مریم گزارشگر", "mobile": "+989121112233"}
