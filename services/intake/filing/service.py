"""Filing a case: from what was sent to one durable row with its event."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import orjson

from services.intake.attachments.service import Attachments
from services.intake.directory.known import Directory
from services.intake.filing.faults import fault
from services.intake.filing.repository import Filed, NewCase, held_by, write_one
from services.intake.filing.schemas import CaseIn
from services.intake.keys import IntakeKeys
from shared.contracts.envelope import Actor
from shared.contracts.intake import AttachmentRef, CaseRegistered, CaseRegisteredData
from shared.kit.auth import Principal
from shared.kit.db import Database
from shared.kit.ids import uuid7
from shared.kit.outbox import lane_of, new_event
from shared.kit.sealing import seal
from shared.kit.web.idempotency import KEY_IN_USE
from shared.kit.web.problems import Problem, invalid_fields, unavailable
from shared.kit.writer import GroupWriter
from shared.persian.identifiers import new_tracking_code

BY_HAND = ("phone", "in_person", "letter")
"""Channels of what an operator writes down for somebody."""


CaseWriter = GroupWriter[NewCase, Filed]


@dataclass(frozen=True)
class Origin:
    """Who a case comes from and over which channel; worked out from the token, never from the body alone."""

    citizen_id: UUID | None
    partner_id: str | None
    mobile: str | None
    channel: str
    actor: Actor


def origin_of(case: CaseIn, principal: Principal, keys: IntakeKeys) -> Origin:
    """Who files. A citizen's mobile is that of the login; an operator's or a partner's case belongs to whoever has
    the number given. Raises a 422 problem when the body claims what the caller may not."""
    mobile, channel = case.citizen.mobile, case.channel
    if principal.kind == "citizen":
        if mobile is not None:
            raise invalid_fields(fault("/citizen/mobile", "mobile_is_that_of_the_login"))
        if channel in BY_HAND:
            raise invalid_fields(fault("/channel", "channel_of_operators"))
        mobile = keys.mobile_of(principal)
        actor = Actor(kind="citizen", id=principal.subject)
        return Origin(UUID(principal.subject), None, mobile, channel or "app", actor)
    citizen_id = keys.blind.citizen_id(mobile) if mobile else None
    if principal.kind == "partner":
        if channel is not None:
            raise invalid_fields(fault("/channel", "channel_of_operators"))
        return Origin(citizen_id, principal.subject, mobile, "partner", Actor(kind="partner", id=principal.subject))
    if channel not in BY_HAND:
        raise invalid_fields(fault("/channel", "channel_needed"))
    return Origin(citizen_id, None, mobile, channel, Actor(kind="staff", id=principal.subject, title=principal.title))


def check_choices(case: CaseIn, directory: Directory) -> None:
    """Refuses a category or organisation that does not exist, with a 422 problem naming each field; 503 while this
    process, just started, knows of none: a right choice must not be called wrong."""
    if not directory.version and (case.category_id or case.organisation_id):
        raise unavailable(1)
    wrong = []
    if case.category_id is not None and case.category_id not in directory.categories:
        wrong.append(fault("/category_id", "unknown_category"))
    if case.organisation_id is not None and case.organisation_id not in directory.organisations:
        wrong.append(fault("/organisation_id", "unknown_organisation"))
    if wrong:
        raise invalid_fields(*wrong)


@dataclass(frozen=True)
class Submission:
    """A case as it was sent: ``key_hash`` and ``fingerprint`` of its Idempotency-Key and its bytes, ``owner`` in whose
    name its uploads are."""

    case: CaseIn
    origin: Origin
    key_hash: bytes
    fingerprint: bytes
    owner: str


def prepare(sent: Submission, keys: IntakeKeys, case_id: UUID, attachments: tuple[AttachmentRef, ...] = ()) -> NewCase:
    """The row of a new case, contact and text sealed, with the event that tells the others of it."""
    case, origin = sent.case, sent.origin
    owner = str(case_id).encode()
    now = datetime.now(UTC)
    contact = orjson.dumps(
        {
            "full_name": case.citizen.full_name,
            "national_id": case.citizen.national_id,
            "mobile": origin.mobile,
            "postal_address": case.citizen.postal_address.model_dump(),
        }
    )
    event = new_event(
        CaseRegistered,
        subject=str(case_id),
        sequence=1,
        actor=origin.actor,
        case_id=case_id,
        data=CaseRegisteredData(
            tracking_code=new_tracking_code(),
            kind=case.kind,
            channel=origin.channel,
            language=case.language,
            registered_at=now,
            citizen_id=origin.citizen_id,
            partner_id=origin.partner_id,
            category_id=case.category_id,
            province=case.province,
            county=case.county,
            organisation_id=case.organisation_id,
            reachable=origin.mobile is not None,
            contact_sealed=seal(keys.contact, contact, b"contact:" + owner),
            text_sealed=seal(keys.text, orjson.dumps({"subject": case.subject, "body": case.body}), b"text:" + owner),
            attachments=attachments,
        ),
    )
    data = event.data
    return NewCase(
        key_hash=sent.key_hash,
        fingerprint=sent.fingerprint,
        id=case_id,
        tracking_code=data.tracking_code,
        citizen_id=data.citizen_id,
        partner_id=data.partner_id,
        kind=data.kind,
        channel=data.channel,
        language=data.language,
        category_id=data.category_id,
        province=data.province,
        county=data.county,
        organisation_id=data.organisation_id,
        contact_sealed=data.contact_sealed,
        text_sealed=data.text_sealed,
        registered_at=now,
        event_id=event.id,
        event_lane=lane_of(event.subject),
        event_type=event.type,
        event_body=event.model_dump_json().encode(),
    )


class CaseFiling:
    """Files cases; of two requests with one key at a time the second is told to wait."""

    def __init__(self, writer: CaseWriter, database: Database, keys: IntakeKeys, attachments: Attachments) -> None:
        """``writer`` takes the cases without files, ``database`` those with, which are a transaction each."""
        self._writer = writer
        self._database = database
        self._keys = keys
        self._attachments = attachments
        self._under_way: set[bytes] = set()

    async def file(self, sent: Submission) -> tuple[Filed, NewCase | None]:
        """What the key holds after the commit, and the case if it is this one and not one filed under the key before.

        Raises a 409 problem while the same key is under way, a 422 one that names each upload that cannot be had,
        ``Overloaded`` when too much waits.
        """
        if sent.key_hash in self._under_way:
            raise Problem(KEY_IN_USE, headers={"Retry-After": "1"})
        self._under_way.add(sent.key_hash)
        try:
            if sent.case.attachments:
                return await self._with_files(sent)
            new = prepare(sent, self._keys, uuid7())
            filed = await self._writer.submit(new)
            return filed, new if filed.fresh else None
        finally:
            self._under_way.discard(sent.key_hash)

    async def _with_files(self, sent: Submission) -> tuple[Filed, NewCase | None]:
        """The uploads become the case's in the transaction that files it."""
        names = sent.case.attachments
        await self._attachments.uploads.finish(names, sent.owner)
        async with self._database.transaction() as connection:
            held = await held_by(connection, sent.key_hash)
            if held is not None:
                return held, None
            case_id = uuid7()
            files = await self._attachments.take(connection, case_id, names, sent.owner)
            new = prepare(sent, self._keys, case_id, files)
            filed = await write_one(connection, new)
            if not filed.fresh:  # the same key came by the other way meanwhile
                raise Problem(KEY_IN_USE, headers={"Retry-After": "1"})
        return filed, new
