"""Errors as RFC 9457 problems: stable types, in Persian or English, telling no internals and no rejected values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response

from shared.kit.web.language import Language, Text, preferred_language

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of problem. ``slug`` is part of the contract: clients branch on ``urn:seda:problem:<slug>``."""

    slug: str
    status: int
    title: Text
    detail: Text

    @property
    def uri(self) -> str:
        """The stable ``type`` member."""
        return f"urn:seda:problem:{self.slug}"


@dataclass(frozen=True, slots=True)
class FieldFault:
    """What is wrong with one part of the request; never holds the value itself.

    ``pointer`` is an RFC 6901 pointer into the JSON body; for a parameter it is ``/<name>`` and ``place`` says where
    (query, path, header, cookie).
    """

    pointer: str
    code: str
    message: Text
    place: str = "body"

    def to(self, language: Language) -> dict[str, str]:
        """The member of ``errors``; ``in`` only for what is not in the body."""
        shown = {"pointer": self.pointer, "code": self.code, "message": self.message.to(language)}
        return shown if self.place == "body" else shown | {"in": self.place}


class Problem(HTTPException):
    """Raised to answer with a problem. Being an HTTPException, it passes through FastAPI's own handling unchanged."""

    def __init__(
        self,
        kind: ProblemType,
        *,
        errors: Sequence[FieldFault] = (),
        detail: Text | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        """``detail`` replaces the type's; ``members`` are added to the document (never a value from the request)."""
        super().__init__(kind.status, kind.slug, dict(headers) if headers else None)
        self.kind = kind
        self.errors = tuple(errors)
        self.text = detail or kind.detail
        self.members = members

    def document(self, language: Language) -> dict[str, Any]:
        """The problem's JSON in that language."""
        document: dict[str, Any] = {
            "type": self.kind.uri,
            "title": self.kind.title.to(language),
            "status": self.kind.status,
            "detail": self.text.to(language),
        }
        if self.errors:
            document["errors"] = [fault.to(language) for fault in self.errors]
        return document | self.members


def invalid_fields(*faults: FieldFault) -> Problem:
    """A 422 that names what is wrong field by field, for rules that a schema cannot tell."""
    return Problem(INVALID_FIELDS, errors=faults)


def too_many_requests(retry_after_seconds: int, headers: Mapping[str, str] | None = None) -> Problem:
    """A 429 with ``Retry-After``; ``headers`` for the ``RateLimit`` pair."""
    return Problem(TOO_MANY_REQUESTS, headers={"Retry-After": str(max(1, retry_after_seconds)), **(headers or {})})


def unavailable(retry_after_seconds: int = 2) -> Problem:
    """A 503 with ``Retry-After``: what the service stands on does not answer."""
    return Problem(UNAVAILABLE, headers={"Retry-After": str(max(1, retry_after_seconds))})


def of_status(error: HTTPException) -> Problem:
    """The problem for a bare HTTPException of the framework; its text is dropped, its headers are kept."""
    kind = _BY_STATUS.get(error.status_code)
    if kind is None:
        base = MALFORMED_REQUEST if error.status_code < 500 else INTERNAL
        kind = ProblemType(base.slug, error.status_code, base.title, base.detail)
    return Problem(kind, headers=error.headers)


def render(problem: Problem, connection: HTTPConnection) -> Response:
    """The answer, in the language that the request prefers."""
    language = preferred_language(connection.headers.get("accept-language"))
    headers = dict(problem.headers or {})
    if problem.status_code == 401 and "www-authenticate" not in map(str.lower, headers):
        headers["WWW-Authenticate"] = "Bearer"
    headers["Content-Language"] = language
    headers["Vary"] = "Accept-Language"
    headers["Cache-Control"] = "no-store"
    document = problem.document(language)
    if problem.status_code >= 500 and (request_id := connection.scope.get("seda.request_id")):
        document["request_id"] = request_id
    return Response(orjson.dumps(document), problem.status_code, headers, MEDIA_TYPE)


MALFORMED_REQUEST = ProblemType(
    "malformed-request",
    400,
    Text("درخواست نادرست است", "The request is malformed"),
    Text("درخواست خوانده نشد. لطفاً آن را بررسی کنید و دوباره بفرستید.", "Please check the request and send it again."),
)
MALFORMED_JSON = ProblemType(
    "malformed-json",
    400,
    Text("متن درخواست JSON درستی نیست", "The body is not valid JSON"),
    Text("لطفاً متن درخواست را به‌صورت JSON با نویسه‌گذاری UTF-8 بفرستید.", "Please send the body as JSON in UTF-8."),
)
UNAUTHORIZED = ProblemType(
    "unauthorized",
    401,
    Text("ورود لازم است", "Please sign in"),
    Text(
        "برای این کار باید وارد شوید. اگر وارد شده‌اید، مهلت ورود شما تمام شده است.",
        "This needs a valid sign-in; yours is missing or has expired.",
    ),
)
FORBIDDEN = ProblemType(
    "forbidden",
    403,
    Text("اجازهٔ این کار را ندارید", "You may not do this"),
    Text("این کار در حوزهٔ دسترسی شما نیست.", "This is outside of what your role allows."),
)
NOT_FOUND = ProblemType(
    "not-found",
    404,
    Text("پیدا نشد", "Not found"),
    Text("آنچه خواسته‌اید پیدا نشد یا در دسترس شما نیست.", "It does not exist, or it is not within your reach."),
)
METHOD_NOT_ALLOWED = ProblemType(
    "method-not-allowed",
    405,
    Text("این کار در این نشانی ممکن نیست", "The method is not allowed here"),
    Text("روش‌های مجاز در سرآیند Allow آمده است.", "The header Allow names the methods that are."),
)
NOT_ACCEPTABLE = ProblemType(
    "not-acceptable",
    406,
    Text("پاسخ به این قالب ممکن نیست", "No acceptable format"),
    Text("پاسخ در قالبی که خواسته‌اید فراهم نیست.", "The answer does not exist in the format you accept."),
)
CONFLICT = ProblemType(
    "conflict",
    409,
    Text("با وضعیت کنونی سازگار نیست", "It conflicts with the present state"),
    Text("این کار در وضعیت کنونی ممکن نیست.", "This cannot be done in the present state."),
)
GONE = ProblemType(
    "gone",
    410,
    Text("دیگر در دسترس نیست", "No longer available"),
    Text("مهلت آن تمام شده است. لطفاً از نو آغاز کنید.", "It has expired. Please start anew."),
)
STALE_VERSION = ProblemType(
    "stale-version",
    412,
    Text("نسخهٔ شما قدیمی است", "Your version is stale"),
    Text(
        "پس از خواندن شما، تغییری ثبت شده است. لطفاً دوباره بخوانید و سپس تکرار کنید.",
        "It was changed since you read it. Please read it again and repeat.",
    ),
)
BODY_TOO_LARGE = ProblemType(
    "body-too-large",
    413,
    Text("حجم درخواست زیاد است", "The body is too large"),
    Text("لطفاً درخواست کوچک‌تری بفرستید.", "Please send a smaller one."),
)
UNSUPPORTED_MEDIA_TYPE = ProblemType(
    "unsupported-media-type",
    415,
    Text("قالب درخواست پشتیبانی نمی‌شود", "The media type is not supported"),
    Text("لطفاً متن درخواست را به‌صورت application/json بفرستید.", "Please send the body as application/json."),
)
INVALID_FIELDS = ProblemType(
    "invalid-fields",
    422,
    Text("برخی از موارد درست نیست", "Some fields are not right"),
    Text("لطفاً موارد نام‌برده را درست کنید و دوباره بفرستید.", "Please correct the fields named and send it again."),
)
PRECONDITION_REQUIRED = ProblemType(
    "precondition-required",
    428,
    Text("سرآیند If-Match لازم است", "If-Match is required"),
    Text(
        "لطفاً ETag نسخه‌ای را که خوانده‌اید در سرآیند If-Match بفرستید.",
        "Please send the ETag of the version that you read as If-Match.",
    ),
)
TOO_MANY_REQUESTS = ProblemType(
    "too-many-requests",
    429,
    Text("درخواست‌ها بیش از اندازه است", "Too many requests"),
    Text("لطفاً پس از زمانی که در Retry-After آمده دوباره بفرستید.", "Please try again after the time in Retry-After."),
)
INTERNAL = ProblemType(
    "internal",
    500,
    Text("خطایی در سامانه رخ داد", "Something went wrong on our side"),
    Text(
        "پوزش می‌خواهیم. لطفاً اندکی بعد دوباره تلاش کنید و اگر تکرار شد، شناسهٔ درخواست را به پشتیبانی بدهید.",
        "We apologise. Please try again later and, if it recurs, tell support the request id.",
    ),
)
BAD_GATEWAY = ProblemType(
    "bad-gateway",
    502,
    Text("پاسخ درستی از سامانهٔ درونی نرسید", "No valid answer from the service"),
    Text("لطفاً اندکی بعد دوباره تلاش کنید.", "Please try again shortly."),
)
UNAVAILABLE = ProblemType(
    "unavailable",
    503,
    Text("سامانه اکنون در دسترس نیست", "The service is unavailable at present"),
    Text("لطفاً اندکی بعد دوباره تلاش کنید.", "Please try again shortly."),
)
GATEWAY_TIMEOUT = ProblemType(
    "gateway-timeout",
    504,
    Text("پاسخ سامانهٔ درونی دیر شد", "The service took too long"),
    Text("لطفاً اندکی بعد دوباره تلاش کنید.", "Please try again shortly."),
)

_BY_STATUS = {
    kind.status: kind
    for kind in (
        MALFORMED_REQUEST,
        UNAUTHORIZED,
        FORBIDDEN,
        NOT_FOUND,
        METHOD_NOT_ALLOWED,
        NOT_ACCEPTABLE,
        CONFLICT,
        GONE,
        STALE_VERSION,
        BODY_TOO_LARGE,
        UNSUPPORTED_MEDIA_TYPE,
        INVALID_FIELDS,
        PRECONDITION_REQUIRED,
        TOO_MANY_REQUESTS,
        INTERNAL,
        BAD_GATEWAY,
        UNAVAILABLE,
        GATEWAY_TIMEOUT,
    )
}
