"""``/v1/admin/staff``: who may log in, with which roles, for which department and province."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from gateway.audit.repository import record
from gateway.callers import Administrator
from gateway.staff import domain, repository
from gateway.staff.repository import Filters
from gateway.staff.schemas import USERNAME, StaffGivenOut, StaffIn, StaffOut, StaffPage, StaffPatch
from gateway.staff.service import Accounts, shown
from shared.kit.db import Transaction
from shared.kit.web.etags import IfMatch, etag
from shared.kit.web.idempotency import Answer, Idempotency
from shared.kit.web.openapi import problem_responses
from shared.kit.web.paging import Cursor, Paging, link_next, page_of

router = APIRouter(prefix="/v1/admin/staff", tags=["admin"])

Username = Annotated[str, Path(pattern=USERNAME)]
Slug = Annotated[str | None, Query(max_length=64, pattern=r"^[A-Za-z0-9.-]+$")]

_AFTER: Cursor[str] = Cursor("staff", str)


def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.resources.accounts
    return accounts


AccountsOf = Annotated[Accounts, Depends(_accounts)]


def _filters(
    role: domain.Role | None = None,
    department: Slug = None,
    province: Slug = None,
    active: bool | None = None,
    confirmed: bool | None = None,
) -> Filters:
    return Filters(role, department, province, active, confirmed)


@router.get("", responses=problem_responses(401, 403))
async def list_accounts(
    request: Request,
    response: Response,
    caller: Administrator,
    connection: Transaction,
    filters: Annotated[Filters, Depends(_filters)],
    paging: Paging,
) -> StaffPage:
    """The accounts in the caller's care, by username: an admin all, the centre those of the desk, a supervisor those of
    the inspection."""
    after = _AFTER.decode(paging.cursor)
    visible = domain.visible(caller.roles)
    rows = await repository.accounts(connection, visible, filters, after=after, limit=paging.limit)
    await record(connection, caller.subject, "staff.listed", None)
    page, following = page_of(rows, paging, _AFTER, lambda row: row.username)
    link_next(request, response, following)
    return StaffPage(items=[StaffOut(**shown(row)) for row in page], next=following)


@router.post("", status_code=201, response_model=StaffGivenOut, responses=problem_responses(401, 403, 409, 503))
async def create(
    new: StaffIn, caller: Administrator, connection: Transaction, accounts: AccountsOf, idempotency: Idempotency
) -> Response:
    """Makes an account; its initial password and second factor are shown this once: the same request again answers
    without them."""
    made: list[StaffGivenOut] = []

    async def make() -> Answer:
        made.append(await accounts.create(connection, caller, new))
        return _created(made[0].kept())

    kept = await idempotency.once(connection, caller.subject, make)
    return _created(made[0]).response() if made else kept


def _created(account: StaffGivenOut) -> Answer:
    headers = {"Location": f"/v1/admin/staff/{account.username}", "ETag": etag(account.version)}
    return Answer(201, account.model_dump_json().encode(), headers)


@router.get("/{username}", responses=problem_responses(401, 403, 404))
async def show(
    username: Username, response: Response, caller: Administrator, connection: Transaction, accounts: AccountsOf
) -> StaffOut:
    """An account; the ``ETag`` is for changing it."""
    found = await accounts.show(connection, caller, username)
    response.headers["ETag"] = etag(found.version)
    return found


@router.patch("/{username}", responses=problem_responses(401, 403, 404, 409, 412, 428, 503))
async def change(
    username: Username,
    patch: StaffPatch,
    response: Response,
    caller: Administrator,
    connection: Transaction,
    accounts: AccountsOf,
    if_match: IfMatch = None,
) -> StaffGivenOut:
    """Changes an account, and ends its logins: disables or enables it, gives roles, a department and a province, resets
    the password, enrols a second factor, confirms what a supervisor did."""
    after = await accounts.change(connection, caller, username, patch, if_match)
    response.headers["ETag"] = etag(after.version)
    return after
