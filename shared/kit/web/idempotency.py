"""``Idempotency-Key``: what a client sends again is done once (draft-ietf-httpapi-idempotency-key-header).

The row is written in the transaction of what it guards, so there is never one without the other. Only what was
committed is replayed; a refused request may be corrected and sent again under the same key.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Final

import orjson
from fastapi import Depends, Header
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from shared.kit.web.language import Text
from shared.kit.web.problems import Problem, ProblemType

IDEMPOTENCY_DDL: Final = """
CREATE TABLE idempotency (
    principal text NOT NULL,
    key_hash bytea NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint NOT NULL,
    body bytea NOT NULL,
    headers jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (principal, key_hash)
);
CREATE INDEX idempotency_created ON idempotency (created_at);
"""

KEY_MISSING: Final = ProblemType(
    "idempotency-key-missing",
    400,
    Text("سرآیند Idempotency-Key لازم است", "Idempotency-Key is required"),
    Text(
        "لطفاً برای هر درخواست تازه یک کلید یکتا (مانند UUID) در این سرآیند بفرستید.",
        "Please send a unique key (such as a UUID) in this header with each new request.",
    ),
)
KEY_MALFORMED: Final = ProblemType(
    "idempotency-key-malformed",
    400,
    Text("سرآیند Idempotency-Key درست نیست", "Idempotency-Key is malformed"),
    Text(
        "کلید باید ۱ تا ۲۵۵ نویسهٔ لاتین بی‌فاصله باشد، ساده یا درون گیومهٔ انگلیسی.",
        "A key is 1 to 255 visible ASCII characters, bare or in double quotes.",
    ),
)
KEY_REUSED: Final = ProblemType(
    "idempotency-key-reused",
    422,
    Text("این کلید پیش‌تر برای درخواست دیگری به کار رفته است", "The key was used for another request"),
    Text("لطفاً برای درخواست تازه کلید تازه بفرستید.", "Please send a new key with a new request."),
)
KEY_IN_USE: Final = ProblemType(
    "idempotency-key-in-use",
    409,
    Text("همین درخواست در حال انجام است", "The same request is under way"),
    Text("لطفاً اندکی بعد دوباره بفرستید.", "Please send it again shortly."),
)

# a bare token, or a structured field's string (RFC 9651, 3.3.3) where \" and \\ are the only escapes
_BARE: Final = re.compile(r"[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]{1,255}")
_QUOTED: Final = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"')
_LOCK_CLASS: Final = 5312


def parse_key(values: list[str]) -> str:
    """The key out of the header's lines. Problem 400 if there is none, more than one, or one that is no key."""
    if not values:
        raise Problem(KEY_MISSING)
    value = values[0].strip()
    if len(values) == 1 and (quoted := _QUOTED.fullmatch(value)):
        return re.sub(r"\\(.)", r"\1", quoted[1])
    if len(values) > 1 or not _BARE.fullmatch(value):
        raise Problem(KEY_MALFORMED if value else KEY_MISSING)
    return value


def key_hash(principal: str, key: str) -> bytes:
    """32 bytes that stand for a principal's key; the key itself is not kept."""
    return sha256(f"{len(principal)}:{principal}{key}".encode()).digest()


def fingerprint(method: str, path: str, principal: str, body: bytes) -> bytes:
    """32 bytes that tell one request from another; the body counts byte by byte."""
    return sha256(orjson.dumps([method, path, principal, sha256(body).hexdigest()])).digest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, and is answered again. ``headers`` such as ``Location`` and ``ETag``."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    def response(self) -> Response:
        """As an HTTP response of JSON."""
        return Response(self.body, self.status, dict(self.headers), "application/json")


class IdempotentRequest:
    """One request under its key: ``await idempotency.once(connection, principal.subject, action)``."""

    def __init__(self, request: Request, key: str, body: bytes) -> None:
        self._request = request
        self._key = key
        self._body = body

    async def once(
        self, connection: AsyncConnection, principal: str, action: Callable[[], Awaitable[Answer]]
    ) -> Response:
        """Runs ``action`` and keeps its answer, or replays the answer kept; the caller's transaction commits both.

        ``principal`` is the caller's subject, in whose name keys are told apart. Raises Problem 422 if the key was used
        for another request, 409 while one with the same key is under way in another transaction.
        """
        identity = key_hash(principal, self._key)
        print_ = fingerprint(self._request.method, self._request.url.path, principal, self._body)
        lock = int.from_bytes(identity[:4], "big", signed=True)
        if not await connection.scalar(_LOCK, {"class": _LOCK_CLASS, "lock": lock}):
            raise Problem(KEY_IN_USE, headers={"Retry-After": "1"})
        # a statement of its own: its snapshot is taken after the lock, so it sees what the last holder committed
        row = (await connection.execute(_FIND, {"principal": principal, "key_hash": identity})).one_or_none()
        if row is not None:
            if row.fingerprint != print_:
                raise Problem(KEY_REUSED)
            return Answer(row.status, row.body, row.headers).response()
        answer = await action()
        await connection.execute(
            _KEEP,
            {
                "principal": principal,
                "key_hash": identity,
                "fingerprint": print_,
                "status": answer.status,
                "body": answer.body,
                "headers": orjson.dumps(dict(answer.headers)).decode(),
            },
        )
        return answer.response()


_LOCK = text("SELECT pg_try_advisory_xact_lock(:class, :lock)")
_FIND = text(
    "SELECT fingerprint, status, body, headers FROM idempotency WHERE principal = :principal AND key_hash = :key_hash"
)
_KEEP = text(
    "INSERT INTO idempotency (principal, key_hash, fingerprint, status, body, headers)"
    " VALUES (:principal, :key_hash, :fingerprint, :status, :body, CAST(:headers AS jsonb))"
)
_FORGET = text("DELETE FROM idempotency WHERE created_at < now() - make_interval(hours => :hours)")


async def _idempotent(
    request: Request,
    _documented: Annotated[
        str | None, Header(alias="Idempotency-Key", description="A unique key, bare or quoted; required")
    ] = None,
) -> IdempotentRequest:
    key = parse_key(request.headers.getlist("idempotency-key"))
    return IdempotentRequest(request, key, await request.body())


Idempotency = Annotated[IdempotentRequest, Depends(_idempotent)]
"""An endpoint's parameter: ``idempotency: Idempotency``."""


async def forget_keys(connection: AsyncConnection, hours: int) -> int:
    """Deletes keys older than ``hours``, in the caller's transaction; how many."""
    return (await connection.execute(_FORGET, {"hours": hours})).rowcount
