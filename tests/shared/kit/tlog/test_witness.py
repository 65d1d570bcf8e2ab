import asyncio
from collections.abc import Callable

import pytest

from shared.kit.tlog.cosignature import COSIGNATURE, Cosigner
from shared.kit.tlog.merkle import EMPTY_ROOT, root_of
from shared.kit.tlog.notes import ED25519, Malformed, Note, NoteSigner, SignatureInvalid, SigningKey, base64_of
from shared.kit.tlog.witness import NOTHING_SEEN, Refused, Seen, Submission, Witness, cosigned
from tests.shared.kit.tlog.logs import LEAVES, ORIGIN, OTHER, Log

NOW = 1_764_000_000


class SeenInMemory:
    """Keeps what was seen, as a database would: the swap is one step, but others may come before it."""

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {}
        self.together: asyncio.Barrier | None = None

    async def latest(self, origin: str) -> Seen:
        seen = self.seen.get(origin, NOTHING_SEEN)
        if self.together:
            barrier, self.together = self.together, None if self.together.n_waiting else self.together
            await barrier.wait()
        return seen

    async def replace(self, origin: str, expected: Seen, seen: Seen) -> bool:
        if self.seen.get(origin, NOTHING_SEEN) != expected:
            return False
        self.seen[origin] = seen
        return True


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def seen() -> SeenInMemory:
    return SeenInMemory()


@pytest.fixture
def cosigner() -> Cosigner:
    return Cosigner(SigningKey.generate("witness.test/w", COSIGNATURE))


@pytest.fixture
def witness(log: Log, seen: SeenInMemory, cosigner: Cosigner) -> Witness:
    return Witness(cosigner, {ORIGIN: [log.signer.verifier]}, seen)


async def _refused(witness: Witness, body: str) -> Refused:
    with pytest.raises(Refused) as refused:
        await witness.add_checkpoint(body, NOW)
    return refused.value


async def test_a_growing_log_is_cosigned(log: Log, witness: Witness, seen: SeenInMemory, cosigner: Cosigner) -> None:
    for old, size in ((0, 0), (0, 1), (1, 8), (8, 8), (8, 13), (13, 40)):
        answer = await witness.add_checkpoint(log.submission(old, size), NOW)
        note = cosigned(log.note(size), answer, cosigner.verifier)
        assert [signature.name for signature in note.signatures] == [ORIGIN, "witness.test/w"]
        assert seen.seen[ORIGIN] == Seen(size, root_of(LEAVES[:size]))


async def test_a_submission_from_another_size_is_told_where_to_begin(log: Log, witness: Witness) -> None:
    await witness.add_checkpoint(log.submission(0, 13), NOW)
    for old, size in ((0, 20), (8, 20), (14, 20)):
        refused = await _refused(witness, log.submission(old, size))
        assert (refused.status, refused.size) == (409, 13)


async def test_a_fork_or_a_rollback_is_never_cosigned(log: Log, witness: Witness, seen: SeenInMemory) -> None:
    await witness.add_checkpoint(log.submission(0, 13), NOW)
    forked = Log([*LEAVES[:5], *OTHER], log.signer)
    assert (await _refused(witness, forked.submission(13, 20))).status == 422
    same_size = await _refused(witness, forked.submission(13, 13))
    assert (same_size.status, same_size.size) == (409, 13)
    assert (await _refused(witness, forked.submission(0, 20))).status == 409
    assert (await _refused(witness, str(Submission(13, (), log.note(12))))).status == 400
    assert seen.seen[ORIGIN].size == 13


async def test_proofs_that_should_be_empty_or_are_not(log: Log, witness: Witness) -> None:
    with_proof = str(Submission(0, (LEAVES[0],), log.note(8)))
    assert (await _refused(witness, with_proof)).status == 422
    await witness.add_checkpoint(log.submission(0, 8), NOW)
    assert (await _refused(witness, str(Submission(8, (), log.note(9))))).status == 422
    assert (await _refused(witness, str(Submission(8, (LEAVES[0],), log.note(8))))).status == 422


async def test_an_empty_tree_has_one_root_only(log: Log, witness: Witness) -> None:
    body = str(Submission(0, (), log.note(0, root=LEAVES[0])))
    assert (await _refused(witness, body)).status == 409
    assert await witness.add_checkpoint(str(Submission(0, (), log.note(0, root=EMPTY_ROOT))), NOW)


async def test_unknown_logs_and_wrong_signatures(log: Log, witness: Witness, seen: SeenInMemory) -> None:
    unknown = str(Submission(0, (), log.note(3, origin="other.test/log")))
    assert (await _refused(witness, unknown)).status == 404
    stranger = Log(signer=NoteSigner(SigningKey.generate(ORIGIN, ED25519)))
    assert (await _refused(witness, stranger.submission(0, 3))).status == 403
    signature = log.note(4).signatures[0]
    forged = str(Submission(0, (), Note(log.note(3).text).signed(signature)))
    assert (await _refused(witness, forged)).status == 403
    assert not seen.seen


@pytest.mark.parametrize(
    "change",
    [
        lambda body: "",
        lambda body: body.replace("old ", "new ", 1),
        lambda body: body.replace("old 0", "old 00", 1),
        lambda body: body.replace("old 0\n", "old 0\nxyz\n", 1),
        lambda body: body.replace("old 0\n", "old 0\n" + f"{base64_of(bytes(32))}\n" * 64, 1),
        lambda body: body.rstrip("\n"),
        lambda body: body.replace("\n3\n", "\n03\n"),
        lambda body: body.replace("\n3\n", "\nmany\n"),
    ],
)
async def test_malformed_submissions(log: Log, witness: Witness, change: Callable[[str], str]) -> None:
    assert (await _refused(witness, change(log.submission(0, 3)))).status == 400


async def test_of_two_at_once_one_is_told_the_others_size(log: Log, witness: Witness, seen: SeenInMemory) -> None:
    seen.together = asyncio.Barrier(2)
    answers = await asyncio.gather(
        witness.add_checkpoint(log.submission(0, 8), NOW),
        witness.add_checkpoint(log.submission(0, 13), NOW),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert len(refused) == 1
    assert (refused[0].status, refused[0].size) == (409, seen.seen[ORIGIN].size)


def test_the_form_of_a_submission() -> None:
    # written by hand after the format's description, https://c2sp.org/tlog-witness, "add-checkpoint"
    body = (
        "old 70000\n"
        "ZqVm4IQc4dMeq4hMO8pXL8psxwGdw2SKMhXtmpMv8Ns=\n"
        "nXI9+eVgY5lYfa4zjk4TVhNU0RT6RbOaDpeh/7+ev4k=\n"
        "\n"
        "seda.test/log\n100000\nNMpsDPYdHBAV+Us0ERP+DhKdCBASym6YplWaGdImn3c=\n"
        "\n"
        "— seda.test/log AAAAAAA=\n"
        "— seda.test/log AAAAAQA=\n"
    )
    submission = Submission.parse(body)
    assert (submission.old, len(submission.proof), len(submission.note.signatures)) == (70000, 2, 2)
    assert str(submission) == body


def test_an_answer_of_somebody_else_is_not_taken(log: Log, cosigner: Cosigner) -> None:
    stranger = Cosigner(SigningKey.generate("stranger.test/w", COSIGNATURE))
    note = log.note(3)
    theirs, ours = stranger.sign(note.text, NOW), cosigner.sign(note.text, NOW)
    assert cosigned(note, f"{theirs}\n{ours}\n", cosigner.verifier).signatures == (*note.signatures, ours)
    for answer in (f"{theirs}\n", f"{cosigner.sign(log.note(4).text, NOW)}\n"):
        with pytest.raises(SignatureInvalid):
            cosigned(note, answer, cosigner.verifier)
    with pytest.raises(Malformed):
        cosigned(note, "thank you\n", cosigner.verifier)
