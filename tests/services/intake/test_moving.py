"""What intake hands over of a moved case, and the claim with which its citizen finds the way to the report's box."""

import uuid
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from deploy.local.client import complaint
from services.intake.moving.consumers import HandingOver
from services.intake.moving.repository import forget_expired_claims
from shared.contracts.routing import CaseMoved, CaseMovedData
from shared.kit.auth import Principal
from shared.kit.db import Database
from shared.kit.files import SealedFiles
from shared.kit.outbox import new_event
from shared.kit.sealing import open_sealed
from tests.services.intake.conftest import MOBILE, Intake

STRANGER = "+989127654321"
OPERATOR = Principal("staff", "operator", roles=frozenset({"operator"}))


async def filed(intake: Intake, *, by_operator: bool = False) -> str:
    """A case's id; one that an operator took in has no mobile."""
    base = complaint(channel="letter") if by_operator else complaint()
    caller = intake.caller(OPERATOR) if by_operator else intake.citizen()
    answer = await intake.http.post("/v1/cases", json=base, headers={**caller, "Idempotency-Key": str(uuid.uuid4())})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def handed_over(intake: Intake, dsn: str, folder: Path, case_id: str) -> dict[str, Any]:
    """Moves a case; what integrity is told, opened."""
    moved = new_event(
        CaseMoved,
        subject=case_id,
        sequence=1,
        case_id=uuid.UUID(case_id),
        data=CaseMovedData(status="moved", organisation_id="sso"),
    )
    database = Database.connect(dsn, pool_size=1)
    over = HandingOver(intake.keys, SealedFiles(folder, intake.keys.text), folder, claim_days=90)
    async with database.transaction() as connection:
        await over.handle(connection, moved)
    await database.close()
    body = await intake.database.fetchval("SELECT body FROM outbox WHERE type = 'case.handed_over.v1'")
    sealed = orjson.loads(body)["data"]["content_sealed"]
    content: dict[str, Any] = orjson.loads(open_sealed(intake.keys.move, sealed, b"move:" + case_id.encode()))
    assert (content["claim"] or "no claim").encode() not in body
    return content


async def ask(intake: Intake, case_id: str, headers: dict[str, str]) -> httpx.Response:
    return await intake.http.post(f"/v1/cases/{case_id}/receipt", headers=headers)


async def test_the_citizen_of_a_moved_case_and_nobody_else_has_its_claim_again_and_again(
    intake: Intake, dsn: str, tmp_path: Path
) -> None:
    case_id = await filed(intake)
    assert (await ask(intake, case_id, intake.citizen())).status_code == 404, "it is not moved"
    content = await handed_over(intake, dsn, tmp_path, case_id)
    given = [await ask(intake, case_id, intake.citizen()) for _ in range(2)]
    assert [answer.json()["claim"] for answer in given] == [content["claim"]] * 2
    assert given[0].headers["cache-control"] == "no-store"
    assert len(content["claim"]) == 43
    days = await intake.database.fetchval("SELECT extract(day FROM expires_at - now())::int FROM moved_claims")
    assert days == 89
    assert content["claim"] not in str(await intake.database.fetch("SELECT * FROM moved_claims"))

    foreign = await ask(intake, case_id, intake.citizen(STRANGER))
    nowhere = await ask(intake, str(uuid.uuid4()), intake.citizen(STRANGER))
    assert foreign.status_code == 404
    assert foreign.json() == nowhere.json()
    for principal in (
        Principal("public", "public"),
        Principal("reporter", str(uuid.uuid4())),
        Principal("partner", "p", scopes=frozenset({"cases:write", "cases:read_all"})),
        Principal("staff", "admin", roles=frozenset({"admin", "centre", "operator"})),
    ):
        assert (await ask(intake, case_id, intake.caller(principal))).status_code in (401, 403)


async def test_a_claim_ends_with_its_time(intake: Intake, dsn: str, tmp_path: Path) -> None:
    case_id = await filed(intake)
    await handed_over(intake, dsn, tmp_path, case_id)
    await intake.database.execute("UPDATE moved_claims SET expires_at = now() - interval '1 second'")
    assert (await ask(intake, case_id, intake.citizen())).status_code == 404
    database = Database.connect(dsn, pool_size=1)
    async with database.transaction() as connection:
        await forget_expired_claims(connection)
    await database.close()
    assert await intake.database.fetchval("SELECT count(*) FROM moved_claims") == 0


@pytest.mark.parametrize("by_operator", [False, True], ids=["with a mobile", "on paper"])
async def test_name_and_address_go_along_with_or_without_a_mobile(
    intake: Intake, dsn: str, tmp_path: Path, by_operator: bool
) -> None:
    content = await handed_over(intake, dsn, tmp_path, await filed(intake, by_operator=by_operator))
    sent = complaint()["citizen"]
    contact = content["contact"]
    assert (contact["name"], contact["mobile"]) == (sent["full_name"], None if by_operator else MOBILE)
    assert contact["postal_address"] == {**sent["postal_address"], "postal_code": "1968943117"}
    # nobody can log in for a case without a number
    assert (content["claim"] is None) == by_operator
    assert await intake.database.fetchval("SELECT count(*) FROM moved_claims") == (0 if by_operator else 1)
