"""Letters over REST: the citizen's own, and the verification of any."""

import asyncio
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from services.letters import repository
from services.letters.archive import Archive
from services.letters.verification import read_code
from shared.kit.auth import Anybody, Citizen
from shared.kit.db import Reading
from shared.kit.web.openapi import problem_responses
from shared.kit.web.problems import NOT_FOUND, Problem
from shared.persian.calendar import jalali, tehran_day

router = APIRouter(prefix="/v1", tags=["letters"])


class LogOut(BaseModel):
    """What the transparency log says of a day of all cases and letters: the day's leaf is at ``index`` (from 0), and
    the log's root was ``root`` (hex) when it had ``size`` leaves. ``proof``: where it is proven, to be checked against
    the keys that one has from elsewhere."""

    day: date
    day_jalali: str
    index: int
    size: int
    root: str
    proof: str


class VerifiedOut(BaseModel):
    """What a letter's code proves: that it is ours, and which one. ``date`` is Gregorian, ``date_jalali`` as printed;
    ``sha256`` is of the signed PDF; ``log`` is of the day on which the letter was told of, null until that is over."""

    number: str
    date: date
    date_jalali: str
    office: str
    status: Literal["valid", "superseded"]
    sha256: str
    superseded_by: str | None
    log: LogOut | None


def _archive(request: Request) -> Archive:
    archive: Archive = request.app.state.resources.archive
    return archive


@router.get(
    "/cases/{case_id}/letter",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}}}, **problem_responses(403, 404)},
)
async def letter(
    case_id: UUID, caller: Citizen, connection: Reading, archive: Annotated[Archive, Depends(_archive)]
) -> Response:
    """The signed letter of the caller's own case; 404 until it is issued."""
    row = await repository.newest_of_citizen(connection, case_id, UUID(caller.subject))
    if row is None:
        raise Problem(NOT_FOUND)
    pdf = await asyncio.to_thread(archive.get, row.sha256)
    name = f"letter-{row.number.replace('/', '-')}.pdf"
    return Response(pdf, headers={"Content-Disposition": f'inline; filename="{name}"'}, media_type="application/pdf")


@router.get("/letters/verify/{code}", responses=problem_responses(404))
async def verify(code: str, _caller: Anybody, connection: Reading) -> VerifiedOut:
    """Whether a code is that of a letter of ours; unknown and malformed ones are answered alike."""
    known = read_code(code)
    row = await repository.by_code(connection, known) if known else None
    if row is None:
        raise Problem(NOT_FOUND)
    day = tehran_day(row.issued_at)
    return VerifiedOut(
        number=row.number,
        date=day,
        date_jalali=jalali(day),
        office=row.department_fa,
        status="valid" if row.state == "archived" else "superseded",
        sha256=row.sha256,
        superseded_by=row.superseded_by,
        log=_log(row),
    )


def _log(row: Any) -> LogOut | None:
    if row.log_day is None:
        return None
    return LogOut(
        day=row.log_day,
        day_jalali=jalali(row.log_day),
        index=row.log_index,
        size=row.log_size,
        root=row.log_root.hex(),
        proof=f"/v1/log/proof?leaf={row.log_leaf.hex()}",
    )
