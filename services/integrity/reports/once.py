"""``Idempotency-Key`` for reporters: what was answered is kept so that only who has the key reads it.

The row's id, the cipher of the answer and the key of the fingerprint come from the Idempotency-Key (HKDF, RFC 5869),
which is not stored. A key is as good a secret as it is random: clients send a UUID.
"""

import hmac
import secrets
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from fastapi import Depends, Header
from sqlalchemy import delete, insert, select, text
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

    async def kept(self, connection: AsyncConnection) -> bytes | None:
        """The answer given before, None if there was none. Raises a 422 problem if the key was another request's."""
        row = (await connection.execute(select(filing_keys).where(filing_keys.c.id == self._id))).one_or_none()
        if row is None:
            return None
        if not hmac.compare_digest(row.fingerprint, self._fingerprint):
            raise Problem(KEY_REUSED)
        return self._cipher.decrypt(row.answer[:_NONCE_BYTES], row.answer[_NONCE_BYTES:], self._id)

    async def begin(self, connection: AsyncConnection) -> bytes | None:
        """As ``kept``, and the key is the caller's until the transaction ends. Raises a 409 problem while another
        transaction has it."""
        lock = int.from_bytes(self._id[:4], "big", signed=True)
        taken = text("SELECT pg_try_advisory_xact_lock(:class, :lock)")
        if not await connection.scalar(taken, {"class": _LOCK_CLASS, "lock": lock}):
            raise Problem(KEY_IN_USE, headers={"Retry-After": "1"})
        return await self.kept(connection)

    async def keep(self, connection: AsyncConnection, answer: bytes) -> None:
        """Keeps the answer, in the caller's transaction."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        await connection.execute(
            insert(filing_keys).values(
                id=self._id,
                fingerprint=self._fingerprint,
                answer=nonce + self._cipher.encrypt(nonce, answer, self._id),
                hour=whole_hour(datetime.now(UTC)),
            )
        )


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
