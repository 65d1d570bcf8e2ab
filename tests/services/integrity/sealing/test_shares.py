from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.integrity.sealing.age import NotOpened, SecretKey, wrap
from services.integrity.sealing.shares import NotRecovered, Share, join, quorum_met, recover, shares_of, split

HOLDERS = {f"custodian.{n}": SecretKey.generate() for n in range(1, 6)}
RECIPIENTS = {name: key.recipient for name, key in HOLDERS.items()}


@given(st.binary(max_size=100), st.integers(2, 7))
def test_all_shares_together_are_the_secret(secret: bytes, parts: int) -> None:
    shares = split(secret, parts)
    assert len(shares) == parts
    assert {len(share) for share in shares} == {len(secret)}
    assert join(shares) == secret


@given(st.binary(min_size=16, max_size=64), st.integers(2, 5), st.data())
def test_without_one_share_any_secret_is_as_likely(secret: bytes, parts: int, draw: st.DataObject) -> None:
    shares = split(secret, parts)
    missing = draw.draw(st.integers(0, parts - 1))
    other = draw.draw(st.binary(min_size=len(secret), max_size=len(secret)))
    rest = [share for n, share in enumerate(shares) if n != missing]
    # there is a last share that makes of the same others any secret at all
    assert join([*rest, join([other, *rest])]) == other
    assert join(rest) != secret


def test_wrong_numbers_and_lengths() -> None:
    with pytest.raises(ValueError, match="two"):
        split(b"secret", 1)
    for shares in ([], [b"a", b"bc"]):
        with pytest.raises(ValueError, match="length"):
            join(shares)


@pytest.mark.parametrize(("count", "quorum", "files"), [(5, 3, 30), (2, 2, 2), (5, 2, 20), (4, 4, 4), (3, 2, 6)])
def test_any_quorum_recovers_the_key(count: int, quorum: int, files: int) -> None:
    custodians = dict(list(RECIPIENTS.items())[:count])
    key = SecretKey.generate()
    stored = shares_of(key, "report:r-1:1", custodians, quorum)
    assert len(stored) == files
    for present in combinations(custodians, quorum):
        among = quorum_met(stored, present)
        assert among == tuple(sorted(present))
        opened = [Share.open(item.sealed, HOLDERS[item.holder]) for item in stored if item.among == among]
        assert recover(opened, key.recipient).secret_text() == key.secret_text()
    assert quorum_met(stored, list(custodians)[: quorum - 1]) is None


def test_a_share_opens_for_its_holder_alone_who_may_give_it_on() -> None:
    stored = shares_of(SecretKey.generate(), "report:r-1:1", RECIPIENTS, 3)[0]
    share = Share.open(stored.sealed, HOLDERS[stored.holder])
    assert (share.holder, share.among, share.subject) == (stored.holder, stored.among, "report:r-1:1")
    for name, key in HOLDERS.items():
        if name != stored.holder:
            with pytest.raises(NotOpened):
                Share.open(stored.sealed, key)
    requester = SecretKey.generate()
    assert Share.open(share.sealed_to(requester.recipient), requester) == share
    assert share.value.hex() not in repr(share)


def test_shares_that_do_not_belong_together_give_nothing() -> None:
    key = SecretKey.generate()
    stored = shares_of(key, "report:r-1:1", RECIPIENTS, 2)
    another = shares_of(SecretKey.generate(), "report:r-2:1", RECIPIENTS, 2)
    one, two = (Share.open(item.sealed, HOLDERS[item.holder]) for item in stored[:2])
    third = Share.open(stored[2].sealed, HOLDERS[stored[2].holder])
    strange = Share.open(another[1].sealed, HOLDERS[another[1].holder])
    flipped = replace(two, value=bytes([two.value[0] ^ 1]) + two.value[1:])
    last = replace(two, value=two.value[:-1] + bytes([two.value[-1] ^ 1]))
    for shares in (
        [],
        [one],
        [one, one],
        [one, two, two],
        [one, third],
        [one, strange],
        [one, flipped],
        [one, last],
        [one, replace(two, value=two.value[1:])],
        [one, replace(strange, subject=one.subject)],
    ):
        with pytest.raises(NotRecovered):
            recover(shares, key.recipient)
    with pytest.raises(NotRecovered, match="another key"):
        recover([one, two], SecretKey.generate().recipient)


@pytest.mark.parametrize("quorum", [-1, 0, 1, 6])
def test_a_quorum_is_of_two_at_least(quorum: int) -> None:
    with pytest.raises(ValueError, match="quorum"):
        shares_of(SecretKey.generate(), "report:r-1:1", RECIPIENTS, quorum)


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"v":2}', b'{"v":1,"subject":"s","among":[],"holder":"h","share":"x"}']
)
def test_what_is_no_share_is_refused(text: bytes) -> None:
    holder = SecretKey.generate()
    with pytest.raises(NotOpened):
        Share.open(wrap(text, [holder.recipient]), holder)
