"""``Idempotency-Key`` for reporters: what was answered is kept so that only who has the key reads it.

The row's id, the cipher of the answer and the key of the fingerprint come from the Idempotency-Key (HKDF, RFC 5869),
which is not stored. A key is as good a secret as it is random: clients send a UUID.
"""

import hmac
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from fastapi import Depends, Header
from sqlalchemy import Row, delete, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request

from services.integrity.keys import IntegrityKeys
from services.integrity.reports.story import whole_hour
from services.integrity.tables import filing_keys
from shared.kit.web.idempotency import KEY_IN_USE, KEY_REUSED, parse_key
from shared.kit.web.problems import Problem

HOURS = 24
_LOCK_CLASS = 5314
_NONCE_BYTES = 12


Kept = bytes | Problem | None
"""What is answered to a request whose key was used before; None if it was not."""


class OnceOnly:
    """One request under its key, in the name of ``owner`` (the report for messages)."""

    def __init__(self, key: str, owner: str, request: bytes, keys: IntegrityKeys) -> None:
        """``request`` tells one request from another: method, path and body."""
        derived = HKDF(SHA256(), 96, keys.filing.only_key(), b"seda idempotency\n" + owner.encode()).derive(
            key.encode()
        )
        self._id = derived[:32]
        self._cipher = AESGCM(derived[32:64])
        self._fingerprint = hmac.digest(derived[64:], request, "sha256")

    async def begin(self, connection: AsyncConnection) -> bytes | None:
        """The answer given before, None if there was none; the key is the caller's until the transaction ends. Raises a
        422 problem if the key was another request's, 409 while another transaction has it."""
        return _given((await begin_all(connection, [self]))[0])

    async def keep(self, connection: AsyncConnection, answer: bytes) -> None:
        """Keeps the answer, in the caller's transaction."""
        await keep_all(connection, [(self, answer)])

    @property
    def lock(self) -> int:
        """The advisory lock's key."""
        return int.from_bytes(self._id[:4], "big", signed=True)

    @property
    def id(self) -> bytes:
        """The row's key."""
        return self._id

    def opened(self, row: Row[Any] | None) -> Kept:
        """What a row says to this request."""
        if row is None:
            return None
        if not hmac.compare_digest(row.fingerprint, self._fingerprint):
            return Problem(KEY_REUSED)
        return self._cipher.decrypt(row.answer[:_NONCE_BYTES], row.answer[_NONCE_BYTES:], self._id)

    def row(self, answer: bytes) -> dict[str, Any]:
        """The row that keeps the answer."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return {
            "id": self._id,
            "fingerprint": self._fingerprint,
            "answer": nonce + self._cipher.encrypt(nonce, answer, self._id),
            "hour": whole_hour(datetime.now(UTC)),
        }


async def kept_of(connection: AsyncConnection, requests: Sequence[OnceOnly]) -> list[Kept]:
    """For each request the answer given before, None, or the problem to answer with."""
    found = await connection.execute(select(filing_keys).where(filing_keys.c.id.in_([one.id for one in requests])))
    rows = {row.id: row for row in found}
    return [one.opened(rows.get(one.id)) for one in requests]


async def begin_all(connection: AsyncConnection, requests: Sequence[OnceOnly]) -> list[Kept]:
    """As ``kept_of``, and the keys are the caller's until the transaction ends; a 409 problem for those that another
    transaction has, or another of ``requests`` before."""
    taken = text(
        "SELECT lock, pg_try_advisory_xact_lock(:class, lock) AS ours FROM unnest(CAST(:locks AS integer[])) AS lock"
    )
    locks = sorted({one.lock for one in requests})
    rows = await connection.execute(taken, {"class": _LOCK_CLASS, "locks": locks})
    free = {row.lock for row in rows if row.ours}
    kept = []
    for one, answer in zip(requests, await kept_of(connection, requests), strict=True):
        if one.lock in free:
            kept.append(answer)
            free.discard(one.lock)
        else:
            kept.append(Problem(KEY_IN_USE, headers={"Retry-After": "1"}))
    return kept


async def keep_all(connection: AsyncConnection, answers: Sequence[tuple[OnceOnly, bytes]]) -> None:
    """Keeps answers, in the caller's transaction."""
    if answers:
        await connection.execute(insert(filing_keys), [one.row(answer) for one, answer in answers])


def _given(kept: Kept) -> bytes | None:
    if isinstance(kept, Problem):
        raise kept
    return kept


class OnceRequest:
    """The header and the body of a request, before it is known in whose name it comes."""

    def __init__(self, key: str, request: bytes) -> None:
        self._key = key
        self._request = request

    def of(self, owner: str, keys: IntegrityKeys) -> OnceOnly:
        """The request in somebody's name."""
        return OnceOnly(self._key, owner, self._request, keys)


async def _once(
    request: Request,
    _documented: Annotated[
        str | None, Header(alias="Idempotency-Key", description="A random key, such as a UUID; required")
    ] = None,
) -> OnceRequest:
    key = parse_key(request.headers.getlist("idempotency-key"))
    body = sha256(await request.body()).hexdigest()
    return OnceRequest(key, f"{request.method} {request.url.path}\n{body}".encode())


Once = Annotated[OnceRequest, Depends(_once)]
"""An endpoint's parameter: ``once: Once``."""


async def forget_keys(connection: AsyncConnection) -> None:
    """Deletes what is older than a day; a begun hour counts whole."""
    await connection.execute(
        delete(filing_keys).where(filing_keys.c.hour < text(f"now() - interval '{HOURS + 1} hours'"))
    )
