"""``/v1/auth`` and ``/v1/me``."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from gateway.identity.service import GrantRefused, Identity, Tokens
from gateway.identity.tokens import PUBLIC
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


class StaffIn(_In):
    """A staff login; ``totp`` if one is enrolled."""

    username: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    totp: (
        Annotated[str, StringConstraints(max_length=16), AfterValidator(lambda text: to_latin(text).strip())] | None
    ) = None


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


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _out(tokens: Tokens) -> TokensOut:
    return TokensOut(access_token=tokens.access_token, expires_in=tokens.expires_in, refresh_token=tokens.refresh_token)


@router.post("/auth/otp", status_code=202)
async def send_code(body: OtpIn, request: Request) -> OtpOut:
    """Sends a login code by SMS; the answer is the same whether or not anybody knows the number."""
    language = preferred_language(request.headers.get("accept-language"))
    challenge = await _identity(request).send_code(body.mobile, address=_address(request), language=language)
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
    return _out(await _identity(request).enter_code(challenge, body.code, address=_address(request)))


@router.post("/auth/staff", responses=problem_responses(401))
async def staff_login(body: StaffIn, request: Request) -> TokensOut:
    """Logs a member of staff in by the embedded directory."""
    return _out(
        await _identity(request).staff_login(body.username, body.password, body.totp, address=_address(request))
    )


@router.post("/auth/token", response_model=TokensOut, response_model_exclude_none=True)
async def token(request: Request) -> Response:
    """The token endpoint of RFC 6749: ``refresh_token`` and ``client_credentials``, as a form."""
    try:
        tokens = await _grant(request, _identity(request))
    except GrantRefused as refused:
        return JsonResponse({"error": refused.error}, refused.status, {"Cache-Control": "no-store"})
    return JsonResponse(_out(tokens).model_dump(exclude_none=True), 200, {"Cache-Control": "no-store"})


async def _grant(request: Request, identity: Identity) -> Tokens:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise GrantRefused("invalid_request")
    form: dict[str, Any] = dict(await request.form())
    if any(not isinstance(value, str) or "\0" in value or len(value) > 512 for value in form.values()):
        raise GrantRefused("invalid_request")
    match form.get("grant_type"):
        case "refresh_token" if form.get("refresh_token"):
            return await identity.refresh(form["refresh_token"])
        case "client_credentials" if form.get("client_id") and form.get("client_secret"):
            return await identity.client_credentials(
                form["client_id"], form["client_secret"], address=_address(request)
            )
        case "refresh_token" | "client_credentials":
            raise GrantRefused("invalid_request")
    raise GrantRefused("unsupported_grant_type")


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
