"""``/v1/auth`` and ``/v1/me``."""

import base64
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, unquote_plus
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from gateway.identity.service import GrantRefused, Identity, Tokens
from gateway.identity.tokens import PUBLIC
from gateway.limits import address_of
from shared.kit.auth import Principal
from shared.kit.web.language import Text, preferred_language
from shared.kit.web.openapi import problem_responses
from shared.kit.web.problems import GONE, UNAUTHORIZED, Problem
from shared.kit.web.responses import JsonResponse
from shared.kit.web.validation import field_error
from shared.persian.digits import to_latin
from shared.persian.identifiers import IdentifierError, mobile

router = APIRouter(prefix="/v1", tags=["identity"])

_MOBILE = Text(
    "شمارهٔ همراه درست نیست؛ نمونهٔ درست: ۰۹۱۲۳۴۵۶۷۸۹", "This is not an Iranian mobile number such as 09123456789."
)


FORM = "application/x-www-form-urlencoded"
_LONGEST = 512
_FORM_SCHEMA = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"enum": ["refresh_token", "client_credentials"]},
        **{name: {"type": "string"} for name in ("refresh_token", "client_id", "client_secret", "scope")},
    },
}
_GRANT_ERROR: dict[str, Any] = {
    "application/json": {
        "schema": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
    }
}


def _mobile(value: str) -> str:
    try:
        return mobile(value)
    except IdentifierError as error:
        raise field_error(error.code, _MOBILE) from None


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OtpIn(_In):
    """The mobile that is to get a code, in any script of digits."""

    mobile: Annotated[str, StringConstraints(max_length=64), AfterValidator(_mobile)]


class OtpOut(BaseModel):
    """A code is on its way, under this id."""

    challenge_id: UUID
    expires_at: datetime
    resend_after: datetime


class CodeIn(_In):
    """The six digits, in any script."""

    code: Annotated[str, StringConstraints(max_length=32), AfterValidator(lambda text: to_latin(text).strip())]


class StaffLoginIn(_In):
    """A staff login; ``totp`` if one is enrolled. ``new_password`` is the one from now on, and needed with an initial
    one."""

    username: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    totp: (
        Annotated[str, StringConstraints(max_length=16), AfterValidator(lambda text: to_latin(text).strip())] | None
    ) = None
    new_password: Annotated[str, StringConstraints(min_length=12, max_length=256)] | None = None


class TokensOut(BaseModel):
    """What a login gives (RFC 6749, 5.1); ``expires_in`` in seconds."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    refresh_token: str | None = None


class MeOut(BaseModel):
    """Who the token says that the caller is."""

    subject: str
    kind: Literal["citizen", "staff", "partner"]
    name: str | None
    roles: list[str]
    scopes: list[str]
    department_id: str | None
    province: str | None


def _identity(request: Request) -> Identity:
    identity: Identity = request.app.state.resources.identity
    return identity


def _out(tokens: Tokens) -> TokensOut:
    return TokensOut(access_token=tokens.access_token, expires_in=tokens.expires_in, refresh_token=tokens.refresh_token)


@router.post("/auth/otp", status_code=202)
async def send_code(body: OtpIn, request: Request) -> OtpOut:
    """Sends a login code by SMS; the answer is the same whether or not anybody knows the number."""
    language = preferred_language(request.headers.get("accept-language"))
    challenge = await _identity(request).send_code(body.mobile, address=address_of(request.scope), language=language)
    return OtpOut(
        challenge_id=challenge.challenge_id, expires_at=challenge.expires_at, resend_after=challenge.resend_after
    )


@router.post("/auth/otp/{challenge_id}", responses=problem_responses(401, 410))
async def enter_code(challenge_id: str, body: CodeIn, request: Request) -> TokensOut:
    """Logs a citizen in by the code."""
    try:
        challenge = UUID(challenge_id)
    except ValueError:
        raise Problem(GONE) from None
    return _out(await _identity(request).enter_code(challenge, body.code, address=address_of(request.scope)))


@router.post("/auth/staff", responses=problem_responses(401))
async def staff_login(body: StaffLoginIn, request: Request) -> TokensOut:
    """Logs a member of staff in by the embedded directory."""
    address = address_of(request.scope)
    login = (body.username, body.password, body.totp, body.new_password)
    return _out(await _identity(request).staff_login(*login, address=address))


@router.post(
    "/auth/token",
    response_model=TokensOut,
    response_model_exclude_none=True,
    responses={
        status: {"description": "An error of RFC 6749, 5.2", "content": answer["content"] | _GRANT_ERROR}
        for status, answer in problem_responses(400, 401).items()
    },
    openapi_extra={"requestBody": {"required": True, "content": {FORM: {"schema": _FORM_SCHEMA}}}},
)
async def token(request: Request) -> Response:
    """The token endpoint of RFC 6749: ``refresh_token`` and ``client_credentials``, as a form. A partner may send its
    credentials in the form or by HTTP Basic; errors are those of RFC 6749, 5.2."""
    headers = {"Cache-Control": "no-store"}
    try:
        tokens = await _grant(request, _identity(request))
    except GrantRefused as refused:
        if refused.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="seda"'
        return JsonResponse({"error": refused.error}, refused.status, headers)
    return JsonResponse(_out(tokens).model_dump(exclude_none=True), 200, headers)


async def _grant(request: Request, identity: Identity) -> Tokens:
    form = await _form(request)
    match form.get("grant_type"):
        case "refresh_token" if form.get("refresh_token"):
            return await identity.refresh(form["refresh_token"])
        case "client_credentials":
            client_id, secret = _credentials(request, form)
            return await identity.client_credentials(
                client_id, secret, scope=form.get("scope"), address=address_of(request.scope)
            )
        case "refresh_token" | None:
            raise GrantRefused("invalid_request")
    raise GrantRefused("unsupported_grant_type")


async def _form(request: Request) -> dict[str, str]:
    """The parameters, each once (RFC 6749, 3.2), the empty ones left out."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != FORM:
        raise GrantRefused("invalid_request")
    try:
        pairs = parse_qsl((await request.body()).decode(), strict_parsing=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise GrantRefused("invalid_request") from None
    form = dict(pairs)
    if len(form) != len(pairs) or any("\0" in value or len(value) > _LONGEST for value in form.values()):
        raise GrantRefused("invalid_request")
    return form


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """A partner's id and secret, sent in one way only (RFC 6749, 2.3.1)."""
    scheme, _, basic = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        if not form.get("client_id") or not form.get("client_secret"):
            raise GrantRefused("invalid_request")
        return form["client_id"], form["client_secret"]
    if "client_secret" in form:
        raise GrantRefused("invalid_request")
    try:
        client_id, colon, secret = base64.b64decode(basic, validate=True).decode().partition(":")
        client_id, secret = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except ValueError:
        raise GrantRefused("invalid_client", 401) from None
    if not colon or "\0" in client_id or form.get("client_id", client_id) != client_id:
        raise GrantRefused("invalid_client", 401)
    return client_id, secret


@router.post("/auth/logout", status_code=204, responses=problem_responses(401))
async def logout(request: Request) -> Response:
    """Ends the login that the token belongs to."""
    identity = _identity(request)
    await identity.logout(identity.tokens.login(request.headers.get("authorization", "")))
    return Response(status_code=204)


@router.get("/me", responses=problem_responses(401))
async def me(request: Request) -> MeOut:
    """Who the caller is."""
    caller: Principal = request.scope.get("seda.caller", PUBLIC)
    if caller.kind not in ("citizen", "staff", "partner"):
        raise Problem(UNAUTHORIZED)
    return MeOut(
        subject=caller.subject,
        kind=caller.kind,
        name=caller.name,
        roles=sorted(caller.roles),
        scopes=sorted(caller.scopes),
        department_id=caller.department_id,
        province=caller.province,
    )
