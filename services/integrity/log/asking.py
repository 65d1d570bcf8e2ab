"""Asking a witness to countersign (https://c2sp.org/tlog-witness) and understanding what it answers.

For the couriers and for the audit. A witness may be anybody's: no answer is believed, waited for or read for longer
than is right.
"""

import asyncio
from dataclasses import dataclass

import httpx

from shared.kit.tlog.checkpoint import Checkpoint, decimal_of
from shared.kit.tlog.cosignature import CosignatureVerifier
from shared.kit.tlog.notes import Malformed, Signature, SignatureInvalid
from shared.kit.tlog.witness import Submission, cosigned

_SECONDS = 10.0
_LARGEST_ANSWER = 64 * 1024


@dataclass(frozen=True, slots=True)
class SawOther:
    """The witness saw a log of ``size`` leaves last, not of as many as it was asked from: ask again from there."""

    size: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """The witness does not countersign. ``disputes``: because it saw a log that this one does not begin with."""

    status: int
    disputes: bool


async def ask(
    client: httpx.AsyncClient, url: str, witness: CosignatureVerifier, submission: Submission
) -> Signature | SawOther | Refusal:
    """The countersignature of a checkpoint, or why there is none. ``url``: the witness's, ``/add-checkpoint`` left out.

    SignatureInvalid if it answers with another's countersignature or none, Malformed if it answers what the protocol
    does not know, httpx.HTTPError or TimeoutError if it does not answer.
    """
    status, text = await _post(client, f"{url.rstrip('/')}/add-checkpoint", str(submission))
    if status == 200:
        return _countersignature(text, witness, submission)
    if status == 409:
        return _conflict(text, submission)
    return Refusal(status, disputes=status == 422)


async def _post(client: httpx.AsyncClient, url: str, body: str) -> tuple[int, str]:
    headers = {"Content-Type": "text/plain", "Accept-Encoding": "identity"}
    read = bytearray()
    async with (
        asyncio.timeout(_SECONDS),
        client.stream("POST", url, content=body.encode(), headers=headers) as answer,
    ):
        async for piece in answer.aiter_raw():
            read += piece
            if len(read) > _LARGEST_ANSWER:
                raise Malformed("the answer is too long")
    return answer.status_code, read.decode("utf-8", "replace")


def _countersignature(text: str, witness: CosignatureVerifier, submission: Submission) -> Signature:
    try:
        note = cosigned(submission.note, text, witness)
    except Malformed:
        raise SignatureInvalid("the answer holds no countersignature") from None
    return note.signatures[len(submission.note.signatures)]


def _conflict(text: str, submission: Submission) -> SawOther | Refusal:
    """409 says two things: begin from another size, which stands in the answer; or, where it was asked from the very
    size of the checkpoint, that it saw another tree of that size."""
    try:
        size = decimal_of(text.strip())
    except Malformed:
        size = submission.old
    if size != submission.old:
        return SawOther(size)
    if submission.old != Checkpoint.parse(submission.note.text).size:
        raise Malformed("the witness does not say what it saw")
    return Refusal(409, disputes=True)
