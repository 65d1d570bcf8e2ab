"""Filing a report: whoever may read it is chosen, the content is sealed, and all of it is one transaction.

Nothing of the content, of the receipt code or of the report's private key outlives the request.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.directory import knows_organisation
from services.integrity.filing import metrics
from services.integrity.filing.domain import Accused, Holder, Readers, has_conflict, inspector_of, readers
from services.integrity.filing.faults import CODE_TAKEN, fault
from services.integrity.filing.parcel import FIRST_EPOCH, Parcel, seal_here, sealed_by_client
from services.integrity.filing.schemas import (
    FiledOut,
    KeysOut,
    ReceiptOut,
    ReceiptPending,
    ReportIn,
    SealTo,
    faults_of,
)
from services.integrity.holders.repository import active_holders
from services.integrity.keys import IntegrityKeys
from services.integrity.log.chain import receipt_of, wait_for_receipt
from services.integrity.reports import repository
from services.integrity.reports.derivations import Derivations
from services.integrity.reports.files import Files
from services.integrity.reports.once import OnceOnly
from services.integrity.reports.story import FILED, REPORTER, SYSTEM, NewEpoch, NewFile, Step, take, whole_hour
from services.integrity.sealing.age import SecretKey
from services.integrity.sealing.receipt_code import ReceiptCode
from services.integrity.settings import IntegritySettings
from shared.kit.db import Database
from shared.kit.web.problems import Problem, invalid_fields, unavailable
from shared.persian.identifiers import new_tracking_code

_MOST_INSPECTORS = 8
"""How many inspectors a client that seals is told of; it is one of them who gets the report."""
_TRIES = 5


@dataclass(frozen=True)
class _Box:
    """The reporter's box; ``code`` None where the client made its own."""

    locator: str
    auth_hash: bytes
    recipient: str
    code: str | None


class Filing:
    """The use cases of whoever reports: what to seal to, and filing."""

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
        # a connection beyond the pool's is made and closed for one use, which costs more than to wait for one of them
        self._writing = asyncio.Semaphore(max(1, settings.postgres_pool // 2))

    async def seal_to(self, organisation_id: str | None, province: str | None) -> KeysOut:
        """Whom a client seals to. Raises a 503 problem while too few have registered a key."""
        async with self._database.reading() as connection:
            holders = await self._holders(connection)
        accused = Accused(organisation_id or "")
        free = [holder for holder in holders if not has_conflict(holder, accused)]
        near = [one for one in free if one.role == "inspector" and one.province == province]
        inspectors = near or [one for one in free if one.role == "inspector"]
        inspectors.sort(key=lambda one: (one.load, one.key_id))
        people = [one for one in free if one.role == "supervisor"] + inspectors[:_MOST_INSPECTORS]
        return KeysOut(
            receipt_service=self._settings.receipt_service,
            holders=[_shown(one) for one in people],
            custodians=[_shown(one) for one in self._custodians([one for one in free if one.role == "custodian"])],
            quorum=self._settings.quorum,
        )

    async def file(self, report: ReportIn, once: OnceOnly, owner: str | None) -> FiledOut:
        """Files the report; the answer waits a little for the proof that it stands in the log. ``owner``: in whose name
        its files were uploaded, None for nobody.

        Raises 422 for what does not fit, 409 while the same key is under way or keys have changed, 503 while too few
        have registered a key or too much waits.
        """
        async with self._database.reading() as connection:
            if (kept := await once.kept(connection)) is not None:
                return await self._again(kept)
            await _check(connection, report, owner)
            holders = await self._holders(connection)
            code = None if report.box else await _free_code(connection)
        box = await self._box(report, code)
        with metrics.seconds.labels("seal").time():
            parcel, inspector = self._parcel(report, holders)
        filed: dict[str, Any] = {"report_no": new_tracking_code(), "receipt_code": box.code}
        try:
            with metrics.seconds.labels("write").time():
                kept = await self._commit(report, once, owner, filed, box, parcel, inspector)
        except IntegrityError:
            # a number or a code that is another report's by chance; which one is not told
            raise (Problem(CODE_TAKEN) if report.box else unavailable(1)) from None
        return await self._again(kept) if kept is not None else await self._answer(filed)

    async def _commit(
        self,
        report: ReportIn,
        once: OnceOnly,
        owner: str | None,
        filed: dict[str, Any],
        box: _Box,
        parcel: Parcel,
        inspector: Holder | None,
    ) -> bytes | None:
        """Writes the report, and its leaf into ``filed``; or what was answered before to the same request."""
        async with self._writing, self._database.transaction() as connection:
            if (kept := await once.begin(connection)) is None:
                files = await self._files.take(
                    connection, report.attachments, owner or "", parcel.recipient, FIRST_EPOCH
                )
                leaf = await self._write(connection, report, files, filed["report_no"], box, parcel, inspector)
                filed["leaf"] = leaf.hex()
                await once.keep(connection, orjson.dumps(filed))
        return kept

    async def take_over(
        self,
        connection: AsyncConnection,
        report: ReportIn,
        handed: Sequence[tuple[str, Callable[[], Awaitable[bytes]]]] = (),
    ) -> None:
        """Files what came from elsewhere than its reporter, with its files, in the caller's transaction. Nobody has a
        receipt code: the key of the box is thrown away, and who may know who it is asks the custodians.

        Raises a 503 problem while too few have registered a key, or a file cannot be read.
        """
        holders = await self._holders(connection)
        parcel, inspector = self._parcel(report, holders)
        locator = (await _free_code(connection)).locator
        box = _Box(locator, secrets.token_bytes(32), SecretKey.generate().recipient, None)
        files = await self._files.adopt(connection, handed, parcel.recipient, FIRST_EPOCH)
        await self._write(connection, report, files, new_tracking_code(), box, parcel, inspector)

    async def _holders(self, connection: AsyncConnection) -> Sequence[Holder]:
        holders = await active_holders(connection)
        roles = [holder.role for holder in holders]
        if "supervisor" not in roles or roles.count("custodian") < self._settings.custodians:
            raise unavailable(60)
        return holders

    def _custodians(self, free: Sequence[Holder]) -> Sequence[Holder]:
        """Those among whom a key is split, by lot if there are more than needed. Raises a 503 problem if those without
        a conflict are too few."""
        if len(free) < self._settings.quorum:
            raise unavailable(60)
        return secrets.SystemRandom().sample(list(free), min(self._settings.custodians, len(free)))

    async def _box(self, report: ReportIn, code: ReceiptCode | None) -> _Box:
        if report.box is not None:
            return _Box(report.box.locator, bytes.fromhex(report.box.auth_hash), report.box.recipient, None)
        if code is None:
            raise unavailable(1)
        with metrics.seconds.labels("derive").time():
            derived = await self._derivations.derive(code)
        return _Box(code.locator, derived.auth_hash, derived.box.recipient, code.shown())

    def _parcel(self, report: ReportIn, holders: Sequence[Holder]) -> tuple[Parcel, Holder | None]:
        if report.sealing is None:
            accused = Accused(
                report.organisation_id,
                f"{report.subject}\n{report.narrative}\n{report.occurred or ''}",
                report.people or "",
            )
            chosen = readers(holders, accused, report.province)
            custodians = self._custodians(chosen.custodians)
            return seal_here(report, chosen, custodians, self._settings.quorum), chosen.inspector
        accused = Accused(report.organisation_id, people="\n".join(report.sealing.named))
        chosen = readers(holders, accused, report.province)
        granted = {grant.key_id for grant in report.sealing.grants}
        free = [one for one in holders if one.key_id in granted and not has_conflict(one, accused)]
        chosen = Readers(chosen.supervisors, inspector_of(free, report.province), chosen.custodians)
        parcel = sealed_by_client(
            report,
            report.sealing,
            chosen,
            holders,
            custodians=self._settings.custodians,
            quorum=self._settings.quorum,
        )
        return parcel, chosen.inspector

    async def _write(
        self,
        connection: AsyncConnection,
        report: ReportIn,
        files: Sequence[NewFile],
        report_no: str,
        box: _Box,
        parcel: Parcel,
        inspector: Holder | None,
    ) -> bytes:
        """The report, its first two steps (it was filed; it was acknowledged by machine) and their events; the hash of
        the first one's leaf."""
        hour = whole_hour(datetime.now(UTC))
        number = _number(report)
        row = await repository.add_report(
            connection,
            id=parcel.report_id,
            report_no=report_no,
            mode=report.mode,
            organisation_id=report.organisation_id,
            province=report.province,
            language=report.language,
            locator=box.locator,
            auth_hash=box.auth_hash,
            box_recipient=box.recipient,
            state="received",
            epoch=FIRST_EPOCH,
            recipient=parcel.recipient,
            filed_at=hour,
            round_since=hour,
            state_since=hour,
            unassigned_since=hour,
            identity_sealed=parcel.identity_sealed,
            identity_recipient=parcel.identity_recipient,
            notify_sealed=self._keys.keep_number(parcel.report_id, number) if number else None,
        )
        filed = Step(
            FILED,
            REPORTER,
            hour,
            visible=True,
            data={"inspector": inspector.username if inspector else None, "sealed_by_client": report.is_sealed},
            sealed=parcel.content,
            changes={"assignee": inspector.username if inspector else None},
            epoch=NewEpoch(FIRST_EPOCH, parcel.recipient),
            grants=parcel.grants,
            recovery=parcel.recovery,
            identity=parcel.identity,
            files=files,
        )
        row, recorded = await take(connection, row, filed, self._keys)
        await take(connection, row, Step("acknowledged_by_machine", SYSTEM, hour, visible=True), self._keys)
        return recorded.hash

    async def _answer(self, filed: dict[str, Any]) -> FiledOut:
        leaf = bytes.fromhex(filed["leaf"])
        with metrics.seconds.labels("prove").time():
            receipt = await wait_for_receipt(self._database, leaf, seconds=self._settings.receipt_seconds)
        return FiledOut(report_no=filed["report_no"], receipt_code=filed["receipt_code"], receipt=receipt_out(receipt))

    async def _again(self, kept: bytes) -> FiledOut:
        """The same answer again, its receipt as it is by now."""
        return await self._answer(orjson.loads(kept))


def receipt_out(receipt: dict[str, object] | None) -> ReceiptOut | ReceiptPending:
    """A receipt as it is answered."""
    return ReceiptPending() if receipt is None else ReceiptOut.model_validate(receipt)


async def receipts_of(connection: AsyncConnection, leaf: bytes) -> ReceiptOut | ReceiptPending:
    """The receipt of a step by the hash of its leaf."""
    return receipt_out(await receipt_of(connection, leaf))


async def _check(connection: AsyncConnection, report: ReportIn, owner: str | None) -> None:
    wrong = faults_of(report)
    if not await knows_organisation(connection, report.organisation_id):
        wrong.append(fault("/organisation_id", "unknown_organisation"))
    if owner is None:
        wrong += [fault(f"/attachments/{n}", "unknown_upload") for n in range(len(report.attachments))]
    if wrong:
        raise invalid_fields(*wrong)


async def _free_code(connection: AsyncConnection) -> ReceiptCode:
    """A new receipt code whose locator no report has."""
    for _ in range(_TRIES):
        code = ReceiptCode.generate()
        if await repository.report_by_locator(connection, code.locator) is None:
            return code
    raise unavailable(1)


def _number(report: ReportIn) -> str | None:
    """The mobile (E.164) that is to be told of news, if its owner wants that."""
    if report.sealing is not None:
        return report.sealing.notify_mobile
    return report.contact.mobile if report.contact is not None and report.contact.notify else None


def _shown(holder: Holder) -> SealTo:
    return SealTo.model_validate({"key_id": holder.key_id, "role": holder.role, "recipient": holder.recipient})
