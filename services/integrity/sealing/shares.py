"""Keys that open only when several people agree: XOR shares, each sealed to one of them.

An age file to two people opens for either; a key split in two opens for both together. For k of n custodians the key
is split anew for each k-subset, so that any k of them recover it and k - 1 learn nothing: C(n, k) · k small files.
"""

import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Self

from services.integrity.sealing.age import KeyInvalid, NotOpened, SecretKey, wrap

_VERSION = 1


class NotRecovered(Exception):
    """These shares do not give the key. Says why, never what they hold."""


def split(secret: bytes, parts: int) -> list[bytes]:
    """``parts`` (at least 2) values as long as the secret, whose XOR it is; fewer of them tell nothing about it."""
    if parts < 2:
        raise ValueError("a secret is split among two at least")
    shares = [secrets.token_bytes(len(secret)) for _ in range(parts - 1)]
    return [*shares, join([secret, *shares])]


def join(shares: Sequence[bytes]) -> bytes:
    """The XOR of values of one length; ValueError if their lengths differ or there is none."""
    if len({len(share) for share in shares}) != 1:
        raise ValueError("shares of one secret are of one length")
    joined = 0
    for share in shares:
        joined ^= int.from_bytes(share)
    return joined.to_bytes(len(shares[0]))


@dataclass(frozen=True, slots=True)
class Share:
    """One custodian's part of a key. ``subject`` says of which key, ``among`` with whose parts it gives the key."""

    subject: str
    among: tuple[str, ...]
    holder: str
    value: bytes = field(repr=False)

    def sealed_to(self, recipient: str) -> bytes:
        """The share as an age file to one person: its holder, or whoever the holder gives it to."""
        document = {
            "v": _VERSION,
            "subject": self.subject,
            "among": self.among,
            "holder": self.holder,
            "share": self.value.hex(),
        }
        return wrap(json.dumps(document, ensure_ascii=True).encode(), [recipient])

    @classmethod
    def open(cls, sealed: bytes, key: SecretKey) -> Self:
        """What :meth:`sealed_to` made for this key; else NotOpened."""
        plain = key.unwrap(sealed)
        try:
            document = json.loads(plain)
            if document["v"] != _VERSION:
                raise NotOpened("the share is of another version")
            among = tuple(str(name) for name in document["among"])
            return cls(str(document["subject"]), among, str(document["holder"]), bytes.fromhex(document["share"]))
        except (ValueError, KeyError, TypeError):
            raise NotOpened("the file is no share") from None


@dataclass(frozen=True, slots=True)
class SealedShare:
    """A share as it is stored: for whom, with whose others, sealed."""

    among: tuple[str, ...]
    holder: str
    sealed: bytes = field(repr=False)


def shares_of(key: SecretKey, subject: str, custodians: Mapping[str, str], quorum: int) -> list[SealedShare]:
    """The key in shares, so that any ``quorum`` of the custodians (name → ``age1…``) recover it together.

    For the report key of 3 of 5 custodians 30 shares; for a reporter's identity among two of two, 2. ValueError unless
    2 ≤ quorum ≤ number of custodians; KeyInvalid if a custodian's key is none.
    """
    if not 2 <= quorum <= len(custodians):
        raise ValueError("the quorum is of two at least and of the custodians there are at most")
    secret = key.secret_text().encode()
    sealed = []
    for among in combinations(sorted(custodians), quorum):
        for holder, value in zip(among, split(secret, quorum), strict=True):
            share = Share(subject, among, holder, value)
            sealed.append(SealedShare(among, holder, share.sealed_to(custodians[holder])))
    return sealed


def quorum_met(shares: Collection[SealedShare], present: Collection[str]) -> tuple[str, ...] | None:
    """A set of custodians, all of them ``present``, whose shares give the key; None if there is none yet."""
    return next((among for among in sorted({share.among for share in shares}) if set(among) <= set(present)), None)


def recover(shares: Sequence[Share], recipient: str) -> SecretKey:
    """The key from all the shares of one set of custodians; ``recipient`` is its public half, as it was recorded.

    NotRecovered if a share is missing, of another key, another set or wrong: the key found must be that recipient's.
    """
    if not shares or len({(share.subject, share.among) for share in shares}) != 1:
        raise NotRecovered("the shares are not of one key and one set of custodians")
    if sorted(share.holder for share in shares) != sorted(shares[0].among):
        raise NotRecovered("not every custodian of the set has given a share")
    try:
        key = SecretKey.parse(join([share.value for share in shares]).decode("ascii"))
    except (ValueError, KeyInvalid):
        raise NotRecovered("the shares give no key") from None
    if key.recipient != recipient:
        raise NotRecovered("the shares give another key")
    return key
