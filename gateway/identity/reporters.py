"""``POST /v1/reports/session``: a receipt code for a token of that report alone (ADR 7).

integrity checks the code; the gateway, which alone makes outside tokens, puts into it what integrity answers: whose it
is, and the key of the reporter's box, sealed so that only integrity opens it.
"""

from datetime import timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from pyreqwest.exceptions import PyreqwestError

from gateway.identity.tokens import PUBLIC, Login
from gateway.proxy.headers import RESPONSE, passing
from shared.kit.auth import Principal
from shared.kit.web.openapi import problem_responses
from shared.kit.web.problems import BAD_GATEWAY, Problem

router = APIRouter(prefix="/v1", tags=["reports"])

PATH = "/v1/reports/session"
_SECONDS = 30


class SessionIn(BaseModel):
    """``receipt_code`` as it was written down, in any script of digits; or ``locator`` and ``auth`` of a client that
    derives its keys itself (docs/integrity.md)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    receipt_code: Any = Field(default=None, json_schema_extra={"type": "string"})
    locator: Any = Field(default=None, json_schema_extra={"type": "string"})
    auth: Any = Field(default=None, json_schema_extra={"type": "string"})


class SessionOut(BaseModel):
    """The token; there is no refresh token: the code is the way back."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int


class _Opened(BaseModel):
    report_id: UUID
    box: str | None


@router.post("/reports/session", response_model=SessionOut, responses=problem_responses(401))
async def open_session(session: SessionIn, request: Request) -> Any:
    """Opens the report of a receipt code. A wrong code and a malformed one are answered alike, after the same time."""
    own, settings = request.app.state.resources, request.app.state.settings
    asked = (
        own.client.post(f"{settings.integrity_url.rstrip('/')}{PATH}")
        .bearer_auth(own.mint.token(PUBLIC, "integrity"))
        .header("accept-language", request.headers.get("accept-language", "fa"))
        .timeout(timedelta(seconds=_SECONDS))
        .body_json(session.model_dump())
    )
    try:
        answer = await asked.build().send()
        content = bytes(await answer.bytes())
    except (TimeoutError, PyreqwestError):
        raise Problem(BAD_GATEWAY) from None
    if answer.status != 200:
        headers = passing([(k.encode("latin-1"), v.encode("latin-1")) for k, v in answer.headers.items()], RESPONSE)
        return Response(content, answer.status, dict(headers))
    opened = _Opened.model_validate_json(content)
    login = Login(Principal("reporter", str(opened.report_id), box=opened.box), uuid4())
    seconds: int = settings.reporter_seconds
    return SessionOut(access_token=own.identity.tokens.issue(login, seconds=seconds), expires_in=seconds)
