"""Filing a case: durable before 201, once per key, normalised at the door, and refused in plain words."""

import asyncio
from typing import Any

import httpx
import orjson
import pytest

from deploy.local.client import complaint
from shared.kit.auth import Principal
from shared.kit.sealing import open_sealed
from tests.services.intake.conftest import MOBILE, Intake

Answer = httpx.Response


async def file(intake: Intake, key: str = "k-1", headers: dict[str, str] | None = None, **changes: Any) -> Answer:
    headers = {**(headers or intake.citizen()), "Idempotency-Key": key}
    return await intake.http.post("/v1/cases", json=complaint(**changes), headers=headers)


async def cases(intake: Intake) -> int:
    return int(await intake.database.fetchval("SELECT count(*) FROM cases"))


async def test_a_case_and_its_event_are_there_when_201_is_answered(intake: Intake) -> None:
    answer = await file(intake)
    assert answer.status_code == 201
    case = answer.json()
    assert answer.headers["location"] == f"/v1/cases/{case['id']}"
    assert (case["status"], case["due_at"], case["department"]) == ("registered", None, None)
    row = await intake.database.fetchrow("SELECT id::text, tracking_code FROM cases")
    assert tuple(row) == (case["id"], case["tracking_code"])
    event = orjson.loads(await intake.database.fetchval("SELECT body FROM outbox"))
    assert (event["type"], event["subject"], event["sequence"]) == ("case.registered.v1", case["id"], 1)


async def test_a_commit_that_breaks_is_never_answered_by_201_and_may_be_repeated(intake: Intake) -> None:
    await intake.database.execute(
        "CREATE FUNCTION break_commit() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'broken at commit'; END $$;"
        "CREATE CONSTRAINT TRIGGER breaks AFTER INSERT ON tracking_codes DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION break_commit()"
    )
    try:
        answer = await file(intake)
        assert answer.status_code == 500
        assert "broken" not in answer.text
        assert await cases(intake) == 0
    finally:
        await intake.database.execute("DROP TRIGGER breaks ON tracking_codes; DROP FUNCTION break_commit")
    assert (await file(intake)).status_code == 201
    assert await cases(intake) == 1


async def test_one_bad_row_of_a_batch_fails_alone(intake: Intake) -> None:
    await intake.database.execute("ALTER TABLE cases ADD CONSTRAINT no_suggestions CHECK (kind <> 'suggestion')")
    try:
        kinds = ["complaint", "suggestion", "request", "complaint"]
        answers = await asyncio.gather(*(file(intake, key=f"k-{n}", kind=kind) for n, kind in enumerate(kinds)))
        assert [answer.status_code for answer in answers] == [201, 500, 201, 201]
        assert await cases(intake) == 3
    finally:
        await intake.database.execute("ALTER TABLE cases DROP CONSTRAINT no_suggestions")


async def test_the_same_key_answers_the_same_and_files_once(intake: Intake) -> None:
    first = await file(intake)
    await intake.database.execute("UPDATE cases SET status = 'decided', due_at = now()")
    again = await file(intake, key='"k-1"')
    assert again.status_code == 201
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert await cases(intake) == 1
    assert await intake.database.fetchval("SELECT count(*) FROM outbox") == 1


async def test_the_same_key_with_another_body_is_422_and_in_another_hand_another_key(intake: Intake) -> None:
    await file(intake)
    other = await file(intake, subject="موضوعی دیگر")
    assert other.status_code == 422
    assert other.json()["type"] == "urn:seda:problem:idempotency-key-reused"
    assert (await file(intake, headers=intake.citizen("+989127654321"))).status_code == 201
    assert await cases(intake) == 2


async def test_two_at_a_time_under_one_key_file_one_case(intake: Intake) -> None:
    answers = await asyncio.gather(*(file(intake) for _ in range(8)))
    statuses = sorted(answer.status_code for answer in answers)
    assert set(statuses) <= {201, 409}
    assert statuses[0] == 201
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert await cases(intake) == 1


async def test_a_key_is_needed(intake: Intake) -> None:
    answer = await intake.http.post("/v1/cases", json=complaint(), headers=intake.citizen())
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:seda:problem:idempotency-key-missing"


async def test_digits_of_any_script_are_stored_as_latin_and_letters_as_persian(intake: Intake) -> None:
    case = complaint(subject="  كسري   سابقه ي بيمه  ")
    case["citizen"] = {**case["citizen"], "national_id": "۰۴۹۹۳۷۰۸۹۹"}
    case["citizen"]["postal_address"] = {**case["citizen"]["postal_address"], "postal_code": "١٩٦٨٩٤٣١١٧"}
    headers = {**intake.citizen(), "Idempotency-Key": "digits"}
    answer = await intake.http.post("/v1/cases", json=case, headers=headers)
    assert answer.status_code == 201
    assert answer.json()["subject"] == "کسری سابقه ی بیمه"
    row = await intake.database.fetchrow("SELECT id, contact_sealed FROM cases")
    contact = orjson.loads(
        open_sealed(intake.keys.contact, row["contact_sealed"], b"contact:" + str(row["id"]).encode())
    )
    assert contact["national_id"] == "0499370899"
    assert contact["postal_address"]["postal_code"] == "1968943117"
    assert contact["mobile"] == MOBILE


async def test_a_process_that_does_not_know_the_directory_yet_calls_no_choice_wrong(intake: Intake) -> None:
    intake.directory.version, known = 0, intake.directory.categories
    intake.directory.categories = frozenset()
    answer = await file(intake)
    assert (answer.status_code, await cases(intake)) == (503, 0)
    assert int(answer.headers["retry-after"]) > 0
    assert (await file(intake, category_id=None)).status_code == 201
    intake.directory.version, intake.directory.categories = 1, known
    assert (await file(intake)).status_code == 422, "the key was another request's meanwhile"
    assert (await file(intake, "k-2")).status_code == 201


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"kind": "praise"}, "/kind", "not_allowed"),
        ({"subject": "آ"}, "/subject", "too_short"),
        ({"body": "کوتاه"}, "/body", "too_short"),
        ({"body": "ب" * 10_001}, "/body", "too_long"),
        ({"province": "IR-99"}, "/province", "unknown_province"),
        ({"category_id": "no.such"}, "/category_id", "unknown_category"),
        ({"organisation_id": "nobody"}, "/organisation_id", "unknown_organisation"),
        ({"attachments": ["nothing"]}, "/attachments/0", "unknown_upload"),
        ({"surprise": 1}, "", "unknown_field"),
        ({"channel": "phone"}, "/channel", "channel_of_operators"),
        ({"citizen": {}}, "/citizen/full_name", "required"),
    ],
)
async def test_what_is_wrong_is_named_in_persian_and_english(
    intake: Intake, changes: dict[str, Any], pointer: str, code: str
) -> None:
    persian = await file(intake, **changes)
    assert persian.status_code == 422
    assert persian.headers["content-type"] == "application/problem+json"
    faults = {(fault["pointer"], fault["code"]): fault["message"] for fault in persian.json()["errors"]}
    assert any(place.startswith(pointer) and said == code for place, said in faults), faults
    headers = {**intake.citizen(), "Accept-Language": "en", "Idempotency-Key": "e"}
    english = await intake.http.post("/v1/cases", json=complaint(**changes), headers=headers)
    assert english.status_code == 422
    assert english.json()["title"].isascii()
    assert not persian.json()["title"].isascii()
    assert await cases(intake) == 0


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"kind": "\xff"}', "application/json", 400),
        (b"[" * 5000, "application/json", 400),
        (b'{"kind": "\\ud800"}', "application/json", 400),
        (b"null", "application/json", 422),
        (b"kind=complaint", "application/x-www-form-urlencoded", 415),
        (b" " * 300_000, "application/json", 413),
    ],
)
async def test_hostile_bodies_are_refused_and_never_a_500(
    intake: Intake, content: bytes, content_type: str, status: int
) -> None:
    headers = {**intake.citizen(), "Idempotency-Key": "h", "Content-Type": content_type}
    answer = await intake.http.post("/v1/cases", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_citizen_s_mobile_is_that_of_the_login(intake: Intake) -> None:
    case = complaint()
    case["citizen"] = {**case["citizen"], "mobile": "09121234567"}
    headers = {**intake.citizen(), "Idempotency-Key": "m"}
    answer = await intake.http.post("/v1/cases", json=case, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/citizen/mobile"


async def test_an_operator_s_case_belongs_to_whoever_has_the_number(intake: Intake) -> None:
    operator = Principal("staff", "operator", roles=frozenset({"operator"}), title="میز ثبت")
    case = complaint(channel="in_person")
    case["citizen"] = {**case["citizen"], "mobile": "۰۹۱۲ ۱۲۳ ۴۵۶۷"}
    headers = {**intake.caller(operator), "Idempotency-Key": "o"}
    filed = await intake.http.post("/v1/cases", json=case, headers=headers)
    assert filed.status_code == 201
    listed = await intake.http.get("/v1/cases", headers=intake.citizen(MOBILE))
    assert [item["id"] for item in listed.json()["items"]] == [filed.json()["id"]]
    stranger = await intake.http.get(f"/v1/cases/{filed.json()['id']}", headers=intake.citizen("+989120000001"))
    assert stranger.status_code == 404


@pytest.mark.parametrize(
    ("principal", "status"),
    [
        (Principal("public", "public"), 401),
        (Principal("staff", "officer.x", roles=frozenset({"officer"})), 403),
        (Principal("staff", "admin", roles=frozenset({"admin"})), 403),
        (Principal("partner", "p", scopes=frozenset({"webhooks"})), 403),
    ],
)
async def test_who_may_not_file(intake: Intake, principal: Principal, status: int) -> None:
    answer = await file(intake, headers=intake.caller(principal))
    assert answer.status_code == status
    assert await cases(intake) == 0


async def test_cases_are_listed_newest_first_by_pages(intake: Intake) -> None:
    for number in range(5):
        await file(intake, key=f"p-{number}", subject=f"موضوع {number}")
    subjects: list[str] = []
    path = "/v1/cases?limit=2"
    while path:
        answer = await intake.http.get(path, headers=intake.citizen())
        page = answer.json()
        subjects += [item["subject"] for item in page["items"]]
        path = f"/v1/cases?limit=2&cursor={page['next']}" if page["next"] else ""
        assert ("link" in answer.headers) == bool(path)
    assert subjects == [f"موضوع {number}" for number in (4, 3, 2, 1, 0)]
