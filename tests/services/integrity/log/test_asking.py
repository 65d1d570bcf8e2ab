"""What a witness may answer, and what we make of it: a witness from outside may answer anything."""

from collections.abc import AsyncIterator

import httpx
import pytest

from services.integrity.log.asking import Refusal, SawOther, ask
from shared.kit.tlog.cosignature import COSIGNATURE, Cosigner
from shared.kit.tlog.notes import Malformed, Signature, SignatureInvalid, SigningKey
from shared.kit.tlog.witness import Submission
from tests.shared.kit.tlog.logs import Log

NOW = 1_764_000_000
NOTE = Log().note(8)
WITNESS, STRANGER = (Cosigner(SigningKey.generate(name, COSIGNATURE)) for name in ("witness.test/w", "stranger.test/w"))
OURS, THEIRS = WITNESS.sign(NOTE.text, NOW), STRANGER.sign(NOTE.text, NOW)
OF_ANOTHER = WITNESS.sign(Log().note(7).text, NOW)


async def _once(content: str | bytes) -> AsyncIterator[bytes]:
    yield content.encode() if isinstance(content, str) else content


async def _asked(
    status: int, content: str | bytes | AsyncIterator[bytes], old: int = 5
) -> Signature | SawOther | Refusal:
    """What comes of an answer; asked from ``old`` leaves to 8."""
    stream = _once(content) if isinstance(content, str | bytes) else content

    def answer(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == "https://witness.test/at/add-checkpoint"
        return httpx.Response(status, content=stream)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        return await ask(client, "https://witness.test/at/", WITNESS.verifier, Submission(old, (), NOTE))


async def test_of_several_countersignatures_the_witness_own_is_taken() -> None:
    assert await _asked(200, f"{THEIRS}\n{OURS}\n") == OURS


@pytest.mark.parametrize(
    ("status", "text", "old", "answer"),
    [
        (409, "3\n", 5, SawOther(3)),
        (409, "9\n", 5, SawOther(9)),
        (409, "0\n", 8, SawOther(0)),
        # asked from the checkpoint's own size, the protocol names no body
        (409, "8\n", 8, Refusal(409, disputes=True)),
        (409, "", 8, Refusal(409, disputes=True)),
        (409, "another tree of this size was seen\n", 8, Refusal(409, disputes=True)),
        (422, "not consistent\n", 5, Refusal(422, disputes=True)),
        (404, "", 5, Refusal(404, disputes=False)),
        (403, "", 5, Refusal(403, disputes=False)),
        (500, "9\n", 5, Refusal(500, disputes=False)),
        (302, "", 5, Refusal(302, disputes=False)),
    ],
)
async def test_the_answers_of_the_protocol(status: int, text: str, old: int, answer: SawOther | Refusal) -> None:
    assert await _asked(status, text, old) == answer


@pytest.mark.parametrize("text", ["5\n", "", "many\n", "03\n", "-1\n", "9" * 30])
async def test_a_conflict_that_names_no_other_size_is_no_answer(text: str) -> None:
    with pytest.raises(Malformed):
        await _asked(409, text)


@pytest.mark.parametrize("content", ["", "thank you\n", f"{THEIRS}\n", f"{OF_ANOTHER}\n", b"\xff\xfe", f"{OURS}"[:-8]])
async def test_what_is_not_its_own_countersignature_is_not_taken(content: str | bytes) -> None:
    with pytest.raises(SignatureInvalid):
        await _asked(200, content)


async def test_an_answer_without_end_is_not_read() -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 1024

    with pytest.raises(Malformed):
        await _asked(200, endless())
    assert read <= 70
