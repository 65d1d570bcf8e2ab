"""The monthly review over REST."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from services.routing.review import schemas, service
from services.routing.review.report import report_as
from shared.kit.auth import Principal, allow
from shared.kit.db import Reading, Transaction
from shared.kit.web.accept import preferred
from shared.kit.web.idempotency import Answer, Idempotency
from shared.kit.web.openapi import problem_responses
from shared.kit.web.paging import Cursor, Paging, link_next, page_of
from shared.kit.web.problems import NOT_ACCEPTABLE, Problem

router = APIRouter(prefix="/v1/desk/reviews", tags=["reviews"])

Reader = Annotated[Principal, Depends(allow("staff", roles=("manager", "centre")))]
Manager = Annotated[Principal, Depends(allow("staff", roles=("manager",)))]
Base = Annotated[
    str | None, Query(pattern=r"^1[0-9]{3}-(0[1-9]|1[0-2])$", description="the month that visits are compared with")
]

_AFTER: Cursor[str] = Cursor("reviews", str)
_PDF, _CSV = "application/pdf", "text/csv"


@router.get("", responses=problem_responses(403))
async def list_reviews(
    request: Request, response: Response, caller: Reader, connection: Reading, paging: Paging
) -> schemas.MonthPage:
    """The months, the newest first; the running one is not closed yet. A manager sees their department's part."""
    rows = await service.list_months(connection, caller, before=_AFTER.decode(paging.cursor), limit=paging.limit)
    shown, following = page_of(rows, paging, _AFTER, lambda row: row.month)
    link_next(request, response, following)
    return schemas.MonthPage(items=list(shown), next=following)


@router.get("/{month}", response_model=schemas.ReviewOut, responses=problem_responses(403, 404))
async def show_review(month: str, caller: Reader, connection: Reading, base: Base = None) -> Response:
    """A Jalali month (``1404-09``): all counts, and what is an excess. A manager sees their department's part."""
    review = await service.show(connection, caller, month, base=base)
    # thousands of lines: straight to JSON
    return Response(review.model_dump_json(), media_type="application/json")


@router.post(
    "/{month}/notes", status_code=201, response_model=schemas.NoteOut, responses=problem_responses(403, 404, 409)
)
async def add_note(
    month: str, note: schemas.NoteIn, caller: Manager, connection: Transaction, idempotency: Idempotency
) -> Response:
    """A manager's review of their department's month."""

    async def add() -> Answer:
        added = await service.add_note(connection, caller, month, note)
        return Answer(201, added.model_dump_json().encode(), {"Location": f"/v1/desk/reviews/{month}"})

    return await idempotency.once(connection, caller.subject, add)


@router.get(
    "/{month}/report",
    response_class=Response,
    responses={200: {"content": {_PDF: {}, _CSV: {}}}, **problem_responses(403, 404, 406)},
)
async def report(month: str, request: Request, caller: Reader, connection: Reading, base: Base = None) -> Response:
    """The same as a PDF or, by ``Accept``, as CSV; both in Persian."""
    kind = preferred(request.headers.get("accept"), (_PDF, _CSV))
    if kind is None:
        raise Problem(NOT_ACCEPTABLE)
    review = await service.show(connection, caller, month, base=base)
    names = await service.Names.read(connection)
    body = await report_as(kind, review, names, request.app.state.settings.fonts_dir)
    name = f"review-{month}.{'pdf' if kind == _PDF else 'csv'}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept", "Cache-Control": "no-store"}
    return Response(body, headers=headers, media_type=kind)
