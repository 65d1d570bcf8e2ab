import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from services.integrity.log.leaf import Leaf, commit_actor, commit_case, hour_of, new_nonce
from shared.kit.tlog.notes import Malformed

hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)
FIRST = Leaf("1" * 64, 1, "report.registered", "2026-11-24T03:00:00Z", "2" * 64, "3" * 64, None)


@st.composite
def leaves(draw: st.DrawFn) -> Leaf:
    seq = draw(st.integers(1, 2**53 - 1))
    return Leaf(
        case_commit=draw(hashes),
        seq=seq,
        type=draw(st.from_regex(r"[a-z][a-z0-9_]{0,10}(\.[a-z][a-z0-9_]{0,10})?", fullmatch=True)),
        hour=hour_of(draw(st.datetimes(timezones=st.just(UTC)))),
        actor_commit=draw(hashes),
        ciphertext_sha256=draw(st.none() | hashes),
        prev_case_leaf=None if seq == 1 else draw(hashes),
    )


@given(leaves())
def test_a_leaf_is_encoded_as_rfc_8785_says(leaf: Leaf) -> None:
    assert leaf.encode() == rfc8785.dumps(leaf.document())
    assert leaf.hash() == sha256(b"\0" + leaf.encode()).digest()
    assert Leaf.parse(json.loads(leaf.encode())) == leaf


@pytest.mark.parametrize(
    "change",
    [
        {"case_commit": "1" * 63},
        {"case_commit": "A" * 64},
        {"actor_commit": '"' + "1" * 63},
        {"ciphertext_sha256": ""},
        {"seq": 0},
        {"seq": 2},
        {"seq": 2**53, "prev_case_leaf": "4" * 64},
        {"prev_case_leaf": "4" * 64},
        {"seq": 2, "prev_case_leaf": "4"},
        {"type": "Report"},
        {"type": 'a"b'},
        {"type": ""},
        {"hour": "2026-11-24T03:30:00Z"},
        {"hour": "2026-11-24T24:00:00Z"},
        {"hour": "2026-02-30T03:00:00Z"},
        {"hour": "2026-11-24T03:00:00+00:00"},
        {"hour": "۲۰۲۶-11-24T03:00:00Z"},
    ],
)
def test_fields_of_another_form_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        replace(FIRST, **change)
    with pytest.raises(Malformed):
        Leaf.parse({**FIRST.document(), **change})


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {**FIRST.document(), "v": 2},
        {**FIRST.document(), "v": True},
        {**FIRST.document(), "seq": 1.0},
        {**FIRST.document(), "seq": True},
        {**FIRST.document(), "type": 7},
        {**FIRST.document(), "ciphertext_sha256": 7},
        {**FIRST.document(), "more": 1},
        {key: value for key, value in FIRST.document().items() if key != "prev_case_leaf"},
    ],
)
def test_what_is_no_leaf_is_refused(document: object) -> None:
    with pytest.raises(Malformed):
        Leaf.parse(document)


def test_commitments_need_the_nonce_and_tell_case_from_actor() -> None:
    nonce, other = new_nonce(), new_nonce()
    assert commit_case(nonce, "R-1") == commit_case(nonce, "R-1")
    assert len({commit_case(nonce, "R-1"), commit_case(other, "R-1"), commit_case(nonce, "R-2")}) == 3
    assert commit_case(nonce, "R-1") != commit_actor(nonce, "R-1")
    assert commit_case(bytes(32), "R-1") == sha256(b"seda case\n" + bytes(32) + b"R-1").hexdigest()
    with pytest.raises(ValueError, match="32"):
        commit_case(nonce[:-1], "R-1")


def test_hours_are_utc() -> None:
    tehran = timezone(timedelta(hours=3, minutes=30))
    assert hour_of(datetime(2026, 11, 24, 3, 10, tzinfo=tehran)) == "2026-11-23T23:00:00Z"
    with pytest.raises(ValueError, match="zone"):
        hour_of(datetime(2026, 11, 24, 3, 10, tzinfo=UTC).replace(tzinfo=None))
