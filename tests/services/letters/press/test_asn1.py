from typing import Any

import pytest
from asn1crypto import core

from services.letters.press.asn1 import mend


def sequence(**fields: Any) -> Any:
    """A kind of SEQUENCE with these fields."""
    return type("Nest", (core.Sequence,), {"_fields": list(fields.items())})


Pair = sequence(one=core.OctetString, two=core.OctetString)


def encodings_of(depth: int, length: int) -> int:
    """How often the contents are encoded when sequences in sequences, ``length`` bytes in the innermost, are dumped
    three times."""
    count = 0

    def dump(self: Any, force: bool = False) -> Any:
        nonlocal count
        count += 1
        return core.OctetString.dump(self, force)

    value = sequence(inside=type("Counted", (core.OctetString,), {"dump": dump}))({"inside": bytes(length)})
    for _ in range(depth):
        value = sequence(inside=type(value))({"inside": value})
    for _ in range(3):
        value.dump()
    return count


@pytest.mark.parametrize("length", [124, 125, 380, 636])
def test_a_length_that_ends_in_0x80_costs_no_more_than_another(length: int) -> None:
    mend()
    assert encodings_of(6, length) == encodings_of(6, length + 7)


def test_encodings_are_as_before() -> None:
    mend()
    for length in range(100, 700):
        value = Pair({"one": b"x", "two": bytes(length)})
        first = value.dump()
        assert value.dump() == first
        assert Pair.load(first).dump(force=True) == first
        assert Pair.load(first)["two"].native == bytes(length)


def test_an_indefinite_length_is_still_made_definite() -> None:
    mend()
    indefinite = b"\x30\x80\x04\x01x\x04\x01y\x00\x00"
    assert Pair.load(indefinite).dump() == b"\x30\x06\x04\x01x\x04\x01y"


def test_mending_twice_is_mending_once() -> None:
    mend()
    before = core.Sequence.dump
    mend()
    assert core.Sequence.dump is before
