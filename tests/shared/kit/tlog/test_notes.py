import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from shared.kit.tlog.notes import (
    ED25519,
    Malformed,
    Note,
    NoteSigner,
    NoteVerifier,
    Signature,
    SignatureInvalid,
    SigningKey,
    base64_of,
    bytes_of,
    open_note,
    verified,
)

# the example of https://c2sp.org/signed-note, "Verifier keys"
C2SP_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# the example of Go's golang.org/x/mod/sumdb/note
SUMDB_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SUMDB_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def _signer(name: str = "seda.test/log") -> NoteSigner:
    return NoteSigner(SigningKey.generate(name, ED25519))


@pytest.mark.parametrize(("vkey", "text"), [(C2SP_VKEY, C2SP_NOTE), (SUMDB_VKEY, SUMDB_NOTE)])
def test_published_examples_verify(vkey: str, text: str) -> None:
    verifier = NoteVerifier.parse(vkey)
    assert str(verifier.key) == vkey
    note = Note.parse(text)
    assert str(note) == text
    assert [signature.name for signature in open_note(note, [verifier])] == [verifier.name]


def test_every_changed_character_of_the_published_example_is_refused() -> None:
    verifier = NoteVerifier.parse(C2SP_VKEY)
    for place, letter in enumerate(C2SP_NOTE):
        for other in ("A", "B", "\n", " ", "="):
            if other == letter:
                continue
            changed = C2SP_NOTE[:place] + other + C2SP_NOTE[place + 1 :]
            with pytest.raises((Malformed, SignatureInvalid)):
                open_note(Note.parse(changed), [verifier])


def test_signatures_of_several_keys_and_of_unknown_ones() -> None:
    text = "صدا\n\nدو سطر\n"
    first, second, stranger = _signer("a.test/1"), _signer("b.test/2"), _signer("c.test/3")
    note = Note.parse(str(Note(text).signed(first.sign(text), stranger.sign(text), second.sign(text))))
    assert note.text == text
    known = [second.verifier, first.verifier]
    assert [signature.name for signature in open_note(note, known)] == ["a.test/1", "b.test/2"]
    assert note.signed(first.sign(text)) == note
    assert verified(note, []) == []
    with pytest.raises(SignatureInvalid, match="no known key"):
        open_note(note, [_signer().verifier])


def test_a_known_key_whose_signature_fails_spoils_the_note() -> None:
    text = "one\n"
    good, bad = _signer("a.test/1"), _signer("b.test/2")
    note = Note(text).signed(good.sign(text), bad.sign("two\n"))
    assert open_note(note, [good.verifier])
    for known in ([good.verifier, bad.verifier], [bad.verifier]):
        with pytest.raises(SignatureInvalid, match=r"b\.test/2"):
            open_note(note, known)
    # a second, failing line of a key whose first line verifies
    doubled = Note(text, (good.sign(text), good.sign("two\n")))
    with pytest.raises(SignatureInvalid):
        open_note(doubled, [good.verifier])


def test_same_name_with_another_id_is_another_key() -> None:
    text = "one\n"
    ours, theirs = _signer("a.test/1"), _signer("a.test/1")
    note = Note(text).signed(theirs.sign(text))
    with pytest.raises(SignatureInvalid, match="no known key"):
        open_note(note, [ours.verifier])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no signatures\n",
        "no signatures\n\n",
        "text\n\n— a.test/1 AAAA\n",
        "text\n\n— a.test/1 AAAAAAA=",
        "text\n\n- a.test/1 AAAAAAA=\n",
        "text\n\n— a+b AAAAAAA=\n",
        "text\n\n— a\u00a0b AAAAAAA=\n",
        "text\n\n—  AAAAAAA=\n",
        "text\n\n— a.test/1 AAAAAA\n",
        "text\n\n— a.test/1 AAAAAAB=\n",
        "te\txt\n\n— a.test/1 AAAAAAA=\n",
        "te\rxt\n\n— a.test/1 AAAAAAA=\n",
        "te\ud800xt\n\n— a.test/1 AAAAAAA=\n",
        "text\n\n" + "— a.test/1 AAAAAAA=\n" * 101,
        "x" * (1 << 20) + "\n\n— a.test/1 AAAAAAA=\n",
    ],
)
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        Note.parse(text)


def test_sixteen_signatures_at_least_are_read() -> None:
    note = Note.parse("text\n\n" + "— a.test/1 AAAAAAA=\n" * 16)
    assert note.signatures == (Signature("a.test/1", bytes(4), b"\x00"),) * 16


@pytest.mark.parametrize(
    "vkey",
    [
        "bananas.example+12344556",
        "rekor.example+12345678+THIS_IS_NOT_BASE64!",
        "rekor.example+12345678+AwEB",
        C2SP_VKEY.replace("530d903a", "530d903b"),
        C2SP_VKEY.replace("530d903a", "530D903A"),
        C2SP_VKEY.replace("foo", "fop"),
        C2SP_VKEY + "\n",
        # a witness's key (type 0x04) is not one for notes
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    ],
)
def test_wrong_verifier_keys_are_refused(vkey: str) -> None:
    with pytest.raises(Malformed):
        NoteVerifier.parse(vkey)


def test_a_signing_key_is_kept_as_text_and_never_shown() -> None:
    key = SigningKey.generate("seda.test/log", ED25519)
    again = SigningKey.parse(key.secret_text() + "\n", ED25519)
    text = "one\n"
    assert open_note(Note(text).signed(NoteSigner(again).sign(text)), [NoteSigner(key).verifier])
    assert repr(key) == "<SigningKey seda.test/log>"
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(Malformed, match="another type"):
        SigningKey.parse(key.secret_text(), 0x04)
    with pytest.raises(Malformed, match="id"):
        SigningKey.parse(key.secret_text().replace("seda.test", "seda.best"), ED25519)
    with pytest.raises(Malformed, match="not a signing key"):
        SigningKey.parse(C2SP_VKEY, ED25519)
    for name in ("", "a b", "a+b"):
        with pytest.raises(Malformed, match="name"):
            SigningKey(name, ED25519, Ed25519PrivateKey.generate())


@pytest.mark.parametrize("text", ["", "no newline", "a\x00b\n"])
def test_only_a_notes_text_is_signed(text: str) -> None:
    with pytest.raises(Malformed):
        _signer().sign(text)


@given(st.binary(min_size=1, max_size=70), st.data())
def test_base64_is_read_in_one_spelling_only(data: bytes, draw: st.DataObject) -> None:
    text = base64_of(data)
    assert bytes_of(text) == data
    place = draw.draw(st.integers(0, len(text) - 1))
    other = draw.draw(st.characters(codec="utf-8"))
    changed = text[:place] + other + text[place + 1 :]
    if other != text[place]:
        try:
            assert bytes_of(changed) != data
        except Malformed:
            assert changed != text
