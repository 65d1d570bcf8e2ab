"""The reporter's box: a receipt code opens it, without a name or a number."""

import base64
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.box.schemas import MessageIn, MessageOut, MineOut, SentOut, SessionIn, SessionOpened, StepOut
from services.integrity.box.wording import STATES, step_title
from services.integrity.filing.service import receipt_out
from services.integrity.keys import IntegrityKeys
from services.integrity.log.chain import receipts_of, wait_for_receipt
from services.integrity.reports import repository
from services.integrity.reports.content import open_content, seal_content
from services.integrity.reports.derivations import Derivations
from services.integrity.reports.files import Files
from services.integrity.reports.once import OnceOnly
from services.integrity.reports.repository import ReportRow
from services.integrity.reports.story import REPORTER, NewFile, Step, take, whole_hour
from services.integrity.sealing.age import NotOpened, SecretKey
from services.integrity.sealing.receipt_code import NotAReceiptCode, ReceiptCode
from services.integrity.settings import IntegritySettings
from shared.kit.auth import Principal
from shared.kit.db import Database
from shared.kit.sealing import SealError
from shared.kit.uploads import owner_of
from shared.kit.web.buckets import Buckets
from shared.kit.web.language import Language, Text
from shared.kit.web.problems import CONFLICT, NOT_FOUND, UNAUTHORIZED, Problem
from shared.persian.calendar import jalali

_WRONG_CODE = Text("این رمز رسید درست نیست.", "This receipt code is not right.")
_OLD_KEY = Text(
    "کلید گزارش عوض شده است؛ لطفاً GET /v1/reports/mine را بخوانید و پیام را از نو مهروموم کنید.",
    "The report has a new key; please read GET /v1/reports/mine and seal the message anew.",
)
_LOCATOR = re.compile(r"[0-9]{8}")
_AUTH = re.compile(r"[0-9a-f]{64}")


class Box:
    """The use cases of a reporter who comes back."""

    def __init__(
        self,
        settings: IntegritySettings,
        database: Database,
        keys: IntegrityKeys,
        derivations: Derivations,
        files: Files,
    ) -> None:
        self._settings = settings
        self._database = database
        self._keys = keys
        self._derivations = derivations
        self._files = files
        # per process, like the gateway's (ADR 5): 80 bits are not guessed, this is against wearing us out
        self._tries = Buckets("receipt-code", settings.codes_per_minute, 60)
        self._tries_in_all = Buckets("receipt-codes", settings.codes_in_all_per_minute, 60)

    async def open(self, session: SessionIn) -> SessionOpened:
        """Whose report a code opens. Raises a 401 problem for a wrong or malformed one, which takes as long as a good
        one; 429 past the limits, 503 when too many wait."""
        self._tries_in_all.take("")
        if session.receipt_code is None and isinstance(session.auth, str):
            return await self._open_by_auth(session.locator, session.auth)
        try:
            code = ReceiptCode.parse(session.receipt_code if isinstance(session.receipt_code, str) else "")
            self._tries.take(code.locator)
        except NotAReceiptCode:
            code = None
        derived = await self._derivations.derive(code or ReceiptCode.generate())
        row = await self._report(code.locator if code else None, derived.auth_hash)
        return SessionOpened(report_id=row.id, box=self._keys.carry_box(row.id, derived.box))

    async def _open_by_auth(self, locator: Any, auth: str) -> SessionOpened:
        known = isinstance(locator, str) and _LOCATOR.fullmatch(locator) and _AUTH.fullmatch(auth)
        if known:
            self._tries.take(locator)
        hash = sha256(bytes.fromhex(auth)).digest() if known else bytes(32)
        return SessionOpened(report_id=(await self._report(locator if known else None, hash)).id, box=None)

    async def _report(self, locator: str | None, auth_hash: bytes) -> ReportRow:
        async with self._database.reading() as connection:
            row = await repository.report_by_locator(connection, locator or "")
        held = row.auth_hash if row is not None else secrets.token_bytes(32)
        if not hmac.compare_digest(held, auth_hash) or row is None:
            raise Problem(UNAUTHORIZED, detail=_WRONG_CODE)
        return row

    async def show(self, caller: Principal, language: Language) -> MineOut:
        """The caller's report. Raises a 404 problem if it is no more."""
        async with self._database.reading() as connection:
            row = await _own(connection, caller)
            steps = await repository.steps_of(connection, row.id, visible=True)
            by_leaf = await receipts_of(connection, [step.leaf for step in steps])
            receipts = {step.seq: receipt_out(by_leaf.get(step.leaf)) for step in steps}
        key = self._box_key(caller, row.id)
        return MineOut(
            report_no=row.report_no,
            mode=row.mode,
            organisation_id=row.organisation_id,
            province=row.province,
            state=row.state,
            state_title=STATES[row.state].to(language),
            filed_at=row.filed_at,
            filed_on=jalali(row.filed_at),
            steps=[
                StepOut(
                    seq=step.seq,
                    at=step.at,
                    on=jalali(step.at),
                    type=step.type,
                    title=step_title(step.type).to(language),
                    receipt=receipts[step.seq],
                )
                for step in steps
            ],
            messages=[_message(step, key) for step in steps if step.boxed is not None],
            receipt=receipts[1],
            epoch=row.epoch,
            recipient=row.recipient,
            box_recipient=row.box_recipient,
        )

    async def write(self, caller: Principal, message: MessageIn, once: OnceOnly) -> SentOut:
        """Takes a message of the reporter; an answer that was waited for lets the investigation go on.

        Raises 404 if the report is no more, 409 if the message was sealed to an old key or the same key is under way,
        422 for unknown uploads.
        """
        async with self._database.transaction() as connection:
            if (kept := await once.begin(connection)) is None:
                row = await _own(connection, caller, lock=True)
                if message.epoch not in (None, row.epoch):
                    raise Problem(CONFLICT, detail=_OLD_KEY)
                hour = whole_hour(datetime.now(UTC))
                files = await self._files.take(
                    connection, message.attachments, owner_of(caller), row.recipient, row.epoch, report_id=row.id
                )
                after, recorded = await take(connection, row, _step(row, message, hour, files), self._keys)
                kept = orjson.dumps({"seq": after.seq, "at": hour, "leaf": recorded.hash.hex()})
                await once.keep(connection, kept)
        sent = orjson.loads(kept)
        receipt = await wait_for_receipt(
            self._database, bytes.fromhex(sent["leaf"]), seconds=self._settings.receipt_seconds
        )
        at = datetime.fromisoformat(sent["at"])
        return SentOut(seq=sent["seq"], at=at, on=jalali(at), receipt=receipt_out(receipt))

    def _box_key(self, caller: Principal, report_id: UUID) -> SecretKey | None:
        if caller.box is None:
            return None
        try:
            return self._keys.carried_box(report_id, caller.box)
        except SealError:  # the ring was rotated under a token that is about to expire
            raise Problem(UNAUTHORIZED) from None


def _step(row: ReportRow, message: MessageIn, hour: datetime, files: Sequence[NewFile]) -> Step:
    fields = {"body": message.body, "sealed_body": message.sealed_body}
    return Step(
        "reporter_message",
        REPORTER,
        hour,
        visible=True,
        sealed=seal_content(fields, [row.recipient]),
        boxed=seal_content(fields, [row.box_recipient]),
        changes={"state": "investigating"} if row.state == "awaiting_reporter" else {},
        files=files,
    )


def _message(step: Any, key: SecretKey | None) -> MessageOut:
    body = None
    if key is not None:
        try:
            fields = open_content(step.boxed, key)
            body = str(fields.get("body") or fields.get("text") or "")
        except NotOpened:  # sealed by a client to something else than the box
            body = None
    return MessageOut(
        seq=step.seq,
        at=step.at,
        on=jalali(step.at),
        type=step.type,
        by="reporter" if step.actor == REPORTER else "office",
        body=body,
        sealed=base64.b64encode(step.boxed).decode() if body is None else None,
    )


async def _own(connection: AsyncConnection, caller: Principal, *, lock: bool = False) -> ReportRow:
    row = await repository.report_by_id(connection, UUID(caller.subject), lock=lock)
    if row is None:
        raise Problem(NOT_FOUND)
    return row
