"""A report as it goes into the database: sealed content, grants and shares, whoever sealed them.

The service seals in memory and forgets the plaintext and the report's private key when this returns.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any
from uuid import UUID, uuid4

import orjson

from services.integrity.filing.domain import Holder, Readers
from services.integrity.filing.faults import KEYS_CHANGED, fault
from services.integrity.filing.schemas import ReportIn, SealingIn, ShareIn
from services.integrity.reports.content import seal_content
from services.integrity.reports.story import NewExclusion, NewGrant, NewShare
from services.integrity.reports.subjects import identity_subject, recovery_subject
from services.integrity.sealing.age import ReportKey, SecretKey, seal
from services.integrity.sealing.shares import SealedShare, shares_of
from shared.kit.web.problems import Problem, invalid_fields

IDENTITY_CUSTODIANS = 2
FIRST_EPOCH = 1


@dataclass(frozen=True)
class Parcel:
    """Everything of a new report that is sealed, and who is kept out of it. ``identity`` is empty for an anonymous
    one."""

    report_id: UUID
    recipient: str
    content: bytes = field(repr=False)
    grants: Sequence[NewGrant]
    recovery: Sequence[NewShare]
    excluded: Sequence[NewExclusion]
    identity_sealed: bytes | None = None
    identity_recipient: str | None = None
    identity: Sequence[NewShare] = ()


def seal_here(
    report: ReportIn,
    identity: Mapping[str, Any] | None,
    readers: Readers,
    custodians: Sequence[Holder],
    quorum: int,
) -> Parcel:
    """Seals what came plain. ``identity``: who filed it, None for an anonymous report; ``custodians``: those among whom
    the keys are split."""
    report_id = uuid4()
    key = ReportKey.first(str(report_id))
    people = [*readers.supervisors, *([readers.inspector] if readers.inspector else [])]
    keys = {custodian.username: custodian for custodian in custodians}
    parcel = Parcel(
        report_id=report_id,
        recipient=key.key.recipient,
        content=seal_content(report.content(), [key.key.recipient]),
        grants=[NewGrant(FIRST_EPOCH, one.username, one.key_id, key.grant(one.recipient)) for one in people],
        recovery=_shares(key.key, recovery_subject(report_id, FIRST_EPOCH), keys, quorum, FIRST_EPOCH),
        excluded=_excluded(readers),
    )
    if identity is None:
        return parcel
    identity_key = SecretKey.generate()
    two = {one.username: one for one in custodians[:IDENTITY_CUSTODIANS]}
    return replace(
        parcel,
        identity_sealed=seal(orjson.dumps(identity), [identity_key.recipient]),
        identity_recipient=identity_key.recipient,
        identity=_shares(identity_key, identity_subject(report_id), two, IDENTITY_CUSTODIANS, None),
    )


def _excluded(readers: Readers) -> list[NewExclusion]:
    return [NewExclusion(username) for username in sorted(readers.excluded)]


def _shares(key: SecretKey, subject: str, keys: Mapping[str, Holder], quorum: int, epoch: int | None) -> list[NewShare]:
    sealed = shares_of(key, subject, {name: holder.recipient for name, holder in keys.items()}, quorum)
    return [_kept(share, keys, epoch) for share in sealed]


def _kept(share: SealedShare, keys: Mapping[str, Holder], epoch: int | None) -> NewShare:
    return NewShare(share.among, share.holder, keys[share.holder].key_id, share.sealed, epoch)


def sealed_by_client(
    report: ReportIn, sealing: SealingIn, readers: Readers, holders: Iterable[Holder], *, custodians: int, quorum: int
) -> Parcel:
    """Takes what the client sealed, seals the content once more so that its outside is like all others', and leaves out
    the grants that nobody is to have.

    Raises a 409 problem if the keys that it was sealed to are not today's, a 422 problem if shares are missing.
    """
    by_key = {holder.key_id: holder for holder in holders}
    granted = {grant.key_id: base64.b64decode(grant.sealed) for grant in sealing.grants}
    people = [*readers.supervisors, *([readers.inspector] if readers.inspector else [])]
    if not {one.key_id for one in people} <= granted.keys():
        raise Problem(KEYS_CHANGED)
    # the contact is sealed to a key of its own, apart from the content
    identity = sealing.identity
    return Parcel(
        report_id=sealing.report_id,
        recipient=sealing.recipient,
        content=seal_content(report.content(), [sealing.recipient]),
        grants=[NewGrant(FIRST_EPOCH, one.username, one.key_id, granted[one.key_id]) for one in people],
        recovery=_given(sealing.recovery, by_key, readers, custodians, quorum, FIRST_EPOCH, "/sealing/recovery"),
        excluded=_excluded(readers),
        identity_sealed=base64.b64decode(report.sealed_contact) if report.sealed_contact else None,
        identity_recipient=identity.recipient if identity else None,
        identity=_given(
            identity.shares,
            by_key,
            readers,
            IDENTITY_CUSTODIANS,
            IDENTITY_CUSTODIANS,
            None,
            "/sealing/identity/shares",
        )
        if identity
        else (),
    )


def _given(
    shares: Sequence[ShareIn],
    by_key: Mapping[UUID, Holder],
    readers: Readers,
    custodians: int,
    quorum: int,
    epoch: int | None,
    pointer: str,
) -> list[NewShare]:
    """The client's shares as rows: one for each member of each ``quorum`` of the custodians that it split among."""
    free = {custodian.key_id for custodian in readers.custodians}
    among = {key for share in shares for key in share.among}
    if not among <= free:
        raise Problem(KEYS_CHANGED)
    wanted = {(frozenset(part), key) for part in combinations(among, quorum) for key in part}
    given = [(frozenset(share.among), share.key_id) for share in shares]
    if len(among) != min(custodians, len(free)) or len(given) != len(wanted) or set(given) != wanted:
        raise invalid_fields(fault(pointer, "shares_incomplete"))
    return [
        NewShare(
            tuple(sorted(by_key[key].username for key in share.among)),
            by_key[share.key_id].username,
            share.key_id,
            base64.b64decode(share.sealed),
            epoch,
        )
        for share in shares
    ]
