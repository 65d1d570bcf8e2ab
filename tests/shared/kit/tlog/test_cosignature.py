import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.kit.tlog.cosignature import COSIGNATURE, CosignatureVerifier, Cosigner, timestamp_of
from shared.kit.tlog.notes import ED25519, Malformed, Note, Signature, SigningKey, bytes_of, open_note
from tests.shared.kit.tlog.test_checkpoint import NOTE

# the example of https://c2sp.org/tlog-cosignature
EXAMPLE_LINE = (
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+m"
    "bIUBkBIfZ+qnA=="
)
# the public key of a witness in operation, as transparency-dev/formats quotes it (note/note_cosigv1_test.go)
REMORA = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
TEXT = Note.parse(NOTE).text


def test_the_published_example_says_its_time() -> None:
    signature = Signature.parse(EXAMPLE_LINE)
    assert str(signature) == EXAMPLE_LINE
    # the signed message in the specification says "time 1679315147"
    assert timestamp_of(signature.value) == 1679315147


def test_a_published_witness_key_is_read() -> None:
    assert str(CosignatureVerifier.parse(REMORA).key) == REMORA
    with pytest.raises(Malformed):
        CosignatureVerifier.parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")


def test_what_is_signed_is_the_message_that_the_format_gives() -> None:
    cosigner = Cosigner(SigningKey.generate("witness.test/w", COSIGNATURE))
    signature = cosigner.sign(TEXT, 1679315147)
    message = (
        b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )
    assert signature.value[:8] == (1679315147).to_bytes(8)
    Ed25519PublicKey.from_public_bytes(cosigner.verifier.key.public).verify(signature.value[8:], message)
    assert open_note(Note(TEXT).signed(signature), [cosigner.verifier]) == [signature]


def test_another_time_another_text_or_a_cut_signature_does_not_verify() -> None:
    cosigner = Cosigner(SigningKey.generate("witness.test/w", COSIGNATURE))
    value = cosigner.sign(TEXT, 1679315147).value
    verifier = cosigner.verifier
    assert verifier.verify(TEXT, value)
    assert not verifier.verify(TEXT, (1679315148).to_bytes(8) + value[8:])
    assert not verifier.verify(TEXT, bytes(8) + value[8:])
    assert not verifier.verify(TEXT.replace("20852163", "20852164"), value)
    assert not verifier.verify(TEXT, value[:-1])
    assert not verifier.verify(TEXT, value + b"\0")
    assert not verifier.verify(TEXT, b"")


def test_keys_of_the_two_types_are_not_mixed_up() -> None:
    with pytest.raises(Malformed):
        Cosigner(SigningKey.generate("witness.test/w", ED25519))
    cosigner = Cosigner(SigningKey.generate("witness.test/w", COSIGNATURE))
    for timestamp in (0, -1, 1 << 63):
        with pytest.raises(Malformed):
            cosigner.sign(TEXT, timestamp)


def test_another_implementations_cosignature_says_its_time() -> None:
    # transparency-dev/formats, note/note_cosigv1_test.go, TestCoSigV1Timestamp
    line = "ZGhGuQAAAABm/qTPeyKXD+R2rzyQsxPiP8mXum7qq/iF0u4vanlqJyocWODBt97w9uL+8qT7S5gxEHWWOworDcFiEBYJXORmnFBOBA=="
    assert timestamp_of(bytes_of(line)[4:]) == 1727964367
