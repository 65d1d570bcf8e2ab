"""age's own test vectors (C2SP CCTV), all of them, against what opens our sealed files.

What is no X25519 key is no key of ours: what is for a passphrase or a post-quantum key must not open, nor break it.
"""

from hashlib import sha256

import pytest

from deploy.local.vectors import AGE_VECTORS
from services.integrity.sealing.age import KeyInvalid, NotOpened, SecretKey
from tests.services.integrity.sealing.cctv import Vector, read_vectors

VECTORS = {vector.name: vector for vector in read_vectors(AGE_VECTORS)}

TOO_PATIENT = {
    "stanza_missing_body": "rage opens files of its first versions, which left out a stanza's last, empty line",
    "stanza_missing_final_line": "the same; such a file holds nothing that its writer could not have written correctly",
}
TOO_STRICT = {"armor_whitespace_outside": "rage takes nothing before the armor, and nothing of ours is armored"}

REASONS = {
    "no match": ("No matching keys found",),
    "HMAC failure": ("Header MAC is invalid",),
    "payload failure": (
        *("age file is truncated", "decryption error", "last chunk has been processed"),
        "Last STREAM chunk is empty",
    ),
}
"""What rage says of the failures that it tells apart; a header or an armor that is wrong has many words."""


RIGHT = {name for name, vector in VECTORS.items() if vector.x25519 and vector.expect == "success"}


def _key(vector: Vector) -> SecretKey:
    """The key that the vector is for; where that is none of our kind, one that it is not for."""
    for identity in set(vector.identities) - set(vector.x25519):
        with pytest.raises(KeyInvalid):
            SecretKey.parse(identity)
    if not vector.x25519:
        return SecretKey.generate()
    (identity,) = vector.x25519
    return SecretKey.parse(identity)


def test_there_are_as_many_as_were_counted() -> None:
    assert (len(VECTORS), sum(bool(vector.x25519) for vector in VECTORS.values()), len(RIGHT)) == (143, 98, 19)


@pytest.mark.parametrize("name", sorted(RIGHT - set(TOO_STRICT)))
def test_what_is_right_opens(name: str) -> None:
    vector = VECTORS[name]
    assert sha256(_key(vector).unwrap(vector.file)).hexdigest() == vector.payload


@pytest.mark.parametrize("name", sorted(set(VECTORS) - RIGHT - set(TOO_PATIENT)))
def test_what_is_wrong_or_not_for_us_is_refused_and_gives_nothing(name: str) -> None:
    vector = VECTORS[name]
    with pytest.raises(NotOpened) as refused:
        _key(vector).unwrap(vector.file)
    if vector.x25519 and vector.expect in REASONS:
        assert str(refused.value.__context__).startswith(REASONS[vector.expect])


@pytest.mark.parametrize("name", TOO_PATIENT)
def test_where_rage_is_more_patient_than_the_format(name: str) -> None:
    assert VECTORS[name].expect == "header failure"
    assert _key(VECTORS[name]).unwrap(VECTORS[name].file) == b"age"


@pytest.mark.parametrize("name", TOO_STRICT)
def test_where_rage_is_stricter_than_the_format(name: str) -> None:
    assert name in RIGHT
    with pytest.raises(NotOpened):
        _key(VECTORS[name]).unwrap(VECTORS[name].file)
