"""Merging duplicates."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.desk import domain, repository, schemas
from services.routing.desk.service import show
from services.routing.desk.story import Move, take
from services.routing.keys import RoutingKeys
from shared.contracts.envelope import Actor
from shared.contracts.routing import CaseMerged, CaseMergedData
from shared.kit.auth import Principal
from shared.kit.web.etags import check_if_match
from shared.kit.web.language import Text
from shared.kit.web.problems import CONFLICT, NOT_FOUND, Problem


async def merge(
    connection: AsyncConnection,
    principal: Principal,
    case_id: UUID,
    into_id: UUID,
    *,
    if_match: str | None,
    keys: RoutingKeys,
) -> tuple[schemas.DeskCaseDetailOut, int]:
    """Closes ``case_id`` as a duplicate of ``into_id`` and points each to the other; the closed case and its version.

    Raises 404 for a case out of reach, 428 and 412 about ``If-Match`` of the one that ends, 409 (``other_person``,
    ``same_case``, ``state_does_not_allow``) unless both are open, of one person, and no decision waits.
    """
    found = {}
    for id in sorted({case_id, into_id}):  # locked in one order, so that two merges never wait for each other
        found[id] = await repository.case_in_reach(connection, principal, id, lock=True)
    case, into = found[case_id], found[into_id]
    if case is None or into is None:
        raise Problem(NOT_FOUND)
    check_if_match(if_match, case.version)
    if case.id == into.id:
        raise Problem(CONFLICT, detail=_SAME, code="same_case")
    if case.citizen_id is None or case.citizen_id != into.citizen_id:
        raise Problem(CONFLICT, detail=_OTHER_PERSON, code="other_person")
    if not {case.status, into.status} <= domain.OPEN or case.decision is not None:
        raise Problem(CONFLICT, detail=_STATE, code="state_does_not_allow")
    actor = Actor(kind="staff", id=principal.subject, title=principal.title)
    now = datetime.now(UTC)
    ended = Move(
        "merge",
        {"status": "closed", "merged_into": into.id, "paused_at": None},
        CaseMerged,
        CaseMergedData,
        {"note_sealed": keys.seal_note(case.id, into.tracking_code), "into_case_id": into.id},
        kept={"into": str(into.id), "tracking_code": into.tracking_code},
    )
    await take(connection, case, ended, actor=actor, at=now)
    joined = Move("duplicate", {}, kept={"from": str(case.id), "tracking_code": case.tracking_code})
    await take(connection, into, joined, actor=actor, at=now)
    return await show(connection, principal, case_id)


_SAME = Text("پرونده را نمی‌توان با خودش یکی کرد.", "A case cannot be merged with itself.")
_OTHER_PERSON = Text("این دو پرونده از یک نفر نیست.", "The two cases are not of the same person.")
_STATE = Text(
    "تنها دو پروندهٔ باز که تصمیمی در انتظار تأیید ندارند یکی می‌شوند.",
    "Only two open cases of which no decision awaits approval can be merged.",
)
