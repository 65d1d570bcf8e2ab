import json

import pytest

from services.integrity.log.policy import Policy
from shared.kit.tlog.cosignature import COSIGNATURE, CosignatureVerifier, Cosigner
from shared.kit.tlog.notes import Malformed, Note, SignatureInvalid, SigningKey, VerifierKey
from tests.services.integrity.receipts import NOW, ORIGIN, SmallLog


@pytest.fixture
def log() -> SmallLog:
    return SmallLog()


def test_a_policy_is_kept_as_json(log: SmallLog) -> None:
    policy = log.policy()
    assert Policy.parse(json.loads(json.dumps(policy.document()))) == policy


def test_how_many_witnesses_there_are(log: SmallLog) -> None:
    gateway, letters = log.witnesses
    policy = log.policy()
    for witnesses, met in (((), False), ((gateway,), False), ((gateway, gateway), False), ((gateway, letters), True)):
        witnessed = policy.witnessed(log.note(*witnesses))
        assert policy.met_by(witnessed) is met
        assert {name: time.timestamp() for name, time in witnessed.witnesses.items()} == {
            witness.verifier.name: NOW for witness in witnesses
        }
    later = log.note(gateway).signed(gateway.sign(log.note().text, NOW + 1))
    assert not policy.met_by(policy.witnessed(later))


def test_witnesses_that_are_not_of_the_policy_do_not_count(log: SmallLog) -> None:
    stranger = Cosigner(SigningKey.generate("seda.test/letters", COSIGNATURE))
    assert list(log.policy().witnessed(log.note(log.witnesses[0], stranger)).witnesses) == ["seda.test/gateway"]


def test_other_logs_and_failing_signatures_are_refused(log: SmallLog) -> None:
    gateway, letters = log.witnesses
    policy, good = log.policy(), log.note(gateway, letters)
    other_origin = Policy("other.test/log", policy.logs, policy.witnesses, 2)
    with pytest.raises(SignatureInvalid, match="another log"):
        other_origin.witnessed(good)
    with pytest.raises(SignatureInvalid, match="no known key"):
        SmallLog().policy().witnessed(good)
    unsigned = Note(good.text).signed(gateway.sign(good.text, NOW), letters.sign(good.text, NOW))
    with pytest.raises(SignatureInvalid, match="no known key"):
        policy.witnessed(unsigned)
    with pytest.raises(SignatureInvalid, match=r"seda\.test/letters"):
        policy.witnessed(log.note(gateway).signed(letters.sign("another\n", NOW)))
    with pytest.raises(SignatureInvalid, match="impossible time"):
        policy.witnessed(log.note(gateway).signed(letters.sign(good.text, (1 << 63) - 1)))


def test_policies_that_prove_nothing_are_refused(log: SmallLog) -> None:
    policy = log.policy()
    logs, (gateway, letters) = policy.logs, policy.witnesses
    twin = CosignatureVerifier(VerifierKey("seda.test/third", COSIGNATURE, gateway.key.public))
    for wrong in (
        (ORIGIN, logs, (), 0),
        (ORIGIN, logs, (gateway, letters), 0),
        (ORIGIN, logs, (gateway, letters), 3),
        (ORIGIN, (), (gateway, letters), 2),
        ("", logs, (gateway, letters), 2),
        (ORIGIN, logs, (gateway, gateway), 2),
        (ORIGIN, logs, (gateway, twin), 2),
        (ORIGIN, logs, (CosignatureVerifier(VerifierKey("x", COSIGNATURE, logs[0].key.public)),), 1),
    ):
        with pytest.raises(Malformed):
            Policy(*wrong)


@pytest.mark.parametrize(
    "change",
    [
        {"quorum": "2"},
        {"quorum": True},
        {"origin": None},
        {"logs": "vkey"},
        {"logs": [7]},
        {"witnesses": ["example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"]},
        {"more": 1},
    ],
)
def test_documents_of_another_form_are_refused(log: SmallLog, change: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        Policy.parse({**log.policy().document(), **change})
    with pytest.raises(Malformed):
        Policy.parse([])
