"""``POST /v1/cases``, the one hot path: raw ASGI, validated from the bytes, written by group commit."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.intake.cases import repository as cases
from services.intake.cases.schemas import CaseOut
from services.intake.filing.schemas import CASE_IN, CaseIn
from services.intake.filing.service import CaseFiling, Submission, check_choices, origin_of
from shared.kit.auth import Verifier, permitted
from shared.kit.uploads import owner_of
from shared.kit.web.app import BODY_LIMIT
from shared.kit.web.idempotency import KEY_REUSED, fingerprint, key_hash, parse_key
from shared.kit.web.jsonbody import json_as
from shared.kit.web.openapi import document_route
from shared.kit.web.problems import BODY_TOO_LARGE, FORBIDDEN, INTERNAL, UNAUTHORIZED, Problem
from shared.persian.calendar import jalali

PATH = "/v1/cases"
_ROLES = frozenset({"operator"})
_SCOPES = frozenset({"cases:write"})


async def file_case(request: Request) -> Response:
    """Files a case. 201 only after the commit that holds the case, its code, its key and its event."""
    state = request.scope["app"].state
    verifier: Verifier = state.verifier
    caller = verifier.of_request(request)
    if not permitted(caller, "citizen", "partner", "staff", roles=_ROLES, scopes=_SCOPES):
        raise Problem(UNAUTHORIZED if caller.kind == "public" else FORBIDDEN)
    key = parse_key(request.headers.getlist("idempotency-key"))
    body = await _body(request)
    case = json_as(request.headers.get("content-type", ""), body, CASE_IN)
    own = state.resources
    check_choices(case, own.directory)
    owner = owner_of(caller)
    sent = Submission(
        case,
        origin_of(case, caller, own.keys),
        key_hash=key_hash(owner, key),
        fingerprint=fingerprint("POST", PATH, owner, body),
        owner=owner,
    )
    filing: CaseFiling = own.filing
    filed, new = await filing.file(sent)
    if new is not None:
        return _answer(CaseOut(**_as_filed(new._asdict()), subject=case.subject))
    if filed.fingerprint != sent.fingerprint:
        raise Problem(KEY_REUSED)
    async with state.database.reading() as connection:
        row = await cases.case_by_id(connection, filed.case_id)
    if row is None:
        raise Problem(INTERNAL)
    return _answer(
        CaseOut(**_as_filed(dict(row._mapping)), subject=own.keys.text_of(row.id, row.text_sealed)["subject"])
    )


def _as_filed(row: Mapping[str, Any]) -> dict[str, Any]:
    """The case as it was when it was filed, so that a replay answers the same."""
    return {
        "id": row["id"],
        "tracking_code": row["tracking_code"],
        "status": "registered",
        "kind": row["kind"],
        "channel": row["channel"],
        "registered_at": row["registered_at"],
        "registered_on": jalali(row["registered_at"]),
        "province": row["province"],
    }


def _answer(case: CaseOut) -> Response:
    return Response(
        case.model_dump_json().encode(), 201, {"Location": f"{PATH}/{case.id}"}, media_type="application/json"
    )


class FilingFirst:
    """ASGI: takes ``POST /v1/cases`` right behind the entrance, past the layers that every other route needs (measured:
    docs/performance.md). What they would check, the body's size and form, is checked here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Files, or hands on."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["seda.route"] = PATH
        response = await file_case(Request(scope, receive))
        await response(scope, receive, send)


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_LIMIT:
            raise Problem(BODY_TOO_LARGE, headers={"Connection": "close"})
        parts.append(part)
    return b"".join(parts)


def install(api: FastAPI) -> None:
    """Puts the route before all others, and into the OpenAPI document."""
    api.user_middleware.insert(1, Middleware(FilingFirst))
    document_route(
        api,
        method="post",
        path=PATH,
        summary="File a complaint, request or suggestion",
        body=CaseIn,
        status=201,
        answer=CaseOut,
        headers=("Idempotency-Key",),
    )
