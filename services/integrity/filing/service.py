"""Filing a report: whoever may read it is chosen, the content is sealed, and all of it is one transaction.

Nothing of the content, of the receipt code or of the report's private key outlives the request.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.filing import metrics
from services.integrity.filing.domain import Accused, Holder, is_of_body, readers
from services.integrity.filing.faults import CODE_TAKEN, fault
from services.integrity.filing.lookup import Known, free_codes
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
from services.integrity.filing.writing import NewBox, NewReport, add, new_report
from services.integrity.holders.repository import registered_holders
from services.integrity.keys import IntegrityKeys
from services.integrity.log.chain import wait_for_receipt
from services.integrity.reports.derivations import Derivations
from services.integrity.reports.files import Files
from services.integrity.reports.once import OnceOnly
from services.integrity.sealing.receipt_code import ReceiptCode
from services.integrity.settings import IntegritySettings
from shared.kit.db import Database
from shared.kit.web.problems import Problem, invalid_fields, unavailable
from shared.kit.writer import PooledReader, PooledWriter

_MOST_INSPECTORS = 8
"""How many inspectors a client that seals is told of; it is one of them who gets the report."""

Lookup = PooledReader[OnceOnly, Known]
ReportWriter = PooledWriter[tuple[OnceOnly, NewReport], bytes | Problem]


class Filing:
    """The use cases of whoever reports: what to seal to, and filing."""

    def __init__(
        self,
        settings: IntegritySettings,
        database: Database,
        keys: IntegrityKeys,
        derivations: Derivations,
        files: Files,
        lookup: Lookup,
        writer: ReportWriter,
    ) -> None:
        """``writer`` takes the reports without files, ``database`` those with, which are a transaction each."""
        self._settings = settings
        self._database = database
        self._keys = keys
        self._derivations = derivations
        self._files = files
        self._lookup = lookup
        self._writer = writer
        # a connection beyond the pool's is made and closed for one use, which costs more than to wait for one of them
        self._with_files = asyncio.Semaphore(max(1, settings.postgres_pool // 2))

    async def seal_to(self, organisation_id: str | None, province: str | None) -> KeysOut:
        """Whom a client seals to. Raises a 503 problem while too few have registered a key."""
        async with self._database.reading() as connection:
            holders = self._enough(await registered_holders(connection))
        accused = Accused(organisation_id or "")
        free = [holder for holder in holders if holder.active and not is_of_body(holder, accused)]
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
        known = await self._lookup.submit(once)
        if known.kept is not None:
            return await self._answer(known.kept)
        _check(report, owner, known.organisations)
        holders = self._enough(known.holders)
        box = await self._box(report, known.code)
        with metrics.seconds.labels("seal").time():
            parcel, inspector = self._parcel(report, report.identity(), holders)
        kept: bytes | Problem
        try:
            with metrics.seconds.labels("write").time():
                if report.attachments:
                    kept = await self._write_with_files(report, once, owner or "", box, parcel, inspector)
                else:
                    kept = await self._writer.submit((once, new_report(report, box, parcel, inspector, self._keys)))
        except IntegrityError:
            # a number or a code that is another report's by chance; which one is not told
            raise (Problem(CODE_TAKEN) if report.box else unavailable(1)) from None
        return await self._answer(kept)

    async def _write_with_files(
        self,
        report: ReportIn,
        once: OnceOnly,
        owner: str,
        box: NewBox,
        parcel: Parcel,
        inspector: Holder | None,
    ) -> bytes:
        """The uploads become the report's in the transaction that files it; what is answered."""
        async with self._with_files, self._database.transaction() as connection:
            kept = await once.begin(connection)
            if kept is None:
                files = await self._files.take(connection, report.attachments, owner, parcel.recipient, FIRST_EPOCH)
                new = new_report(report, box, parcel, inspector, self._keys, files)
                await add(connection, [new])
                await once.keep(connection, kept := new.answer)
        return kept

    async def take_over(
        self,
        connection: AsyncConnection,
        report: ReportIn,
        identity: Mapping[str, Any] | None,
        handed: Sequence[tuple[str, Callable[[], Awaitable[bytes]]]] = (),
    ) -> ReceiptCode:
        """Files what came from elsewhere than its reporter, with its files, in the caller's transaction; the receipt
        code, which is kept nowhere. ``identity``: what is known of who it is, sealed as a reporter's.

        Raises a 503 problem while too few have registered a key, too many codes are worked on, or a file cannot be
        read.
        """
        holders = self._enough(await registered_holders(connection))
        parcel, inspector = self._parcel(report, identity, holders)
        (code,) = await free_codes(connection, 1)
        if code is None:
            raise unavailable(1)
        box = await self._derived(code)
        files = await self._files.adopt(connection, handed, parcel.recipient, FIRST_EPOCH)
        await add(connection, [new_report(report, box, parcel, inspector, self._keys, files)])
        return code

    def _enough(self, holders: Sequence[Holder]) -> Sequence[Holder]:
        """The holders. Raises a 503 problem if they are too few for a report."""
        roles = [holder.role for holder in holders if holder.active]
        if "supervisor" not in roles or roles.count("custodian") < self._settings.custodians:
            raise unavailable(60)
        return holders

    def _custodians(self, free: Sequence[Holder]) -> Sequence[Holder]:
        """Those among whom a key is split, by lot if there are more than needed. Raises a 503 problem if those without
        a conflict are too few."""
        if len(free) < self._settings.quorum:
            raise unavailable(60)
        return secrets.SystemRandom().sample(list(free), min(self._settings.custodians, len(free)))

    async def _box(self, report: ReportIn, code: ReceiptCode | None) -> NewBox:
        if report.box is not None:
            return NewBox(report.box.locator, bytes.fromhex(report.box.auth_hash), report.box.recipient, None)
        if code is None:
            raise unavailable(1)
        return await self._derived(code)

    async def _derived(self, code: ReceiptCode) -> NewBox:
        with metrics.seconds.labels("derive").time():
            derived = await self._derivations.derive(code)
        return NewBox(code.locator, derived.auth_hash, derived.box.recipient, code.shown())

    def _parcel(
        self, report: ReportIn, identity: Mapping[str, Any] | None, holders: Sequence[Holder]
    ) -> tuple[Parcel, Holder | None]:
        if report.sealing is None:
            accused = Accused(
                report.organisation_id,
                f"{report.subject}\n{report.narrative}\n{report.occurred or ''}",
                report.people or "",
            )
            chosen = readers(holders, accused, report.province)
            custodians = self._custodians(chosen.custodians)
            return seal_here(report, identity, chosen, custodians, self._settings.quorum), chosen.inspector
        accused = Accused(report.organisation_id, people="\n".join(report.sealing.named))
        granted = {grant.key_id for grant in report.sealing.grants}
        chosen = readers(holders, accused, report.province, granted)
        parcel = sealed_by_client(
            report,
            report.sealing,
            chosen,
            holders,
            custodians=self._settings.custodians,
            quorum=self._settings.quorum,
        )
        return parcel, chosen.inspector

    async def _answer(self, kept: bytes | Problem) -> FiledOut:
        """What was kept, with the receipt as it is by now."""
        if isinstance(kept, Problem):
            raise kept
        filed = orjson.loads(kept)
        leaf = bytes.fromhex(filed["leaf"])
        with metrics.seconds.labels("prove").time():
            receipt = await wait_for_receipt(self._database, leaf, seconds=self._settings.receipt_seconds)
        return FiledOut(report_no=filed["report_no"], receipt_code=filed["receipt_code"], receipt=receipt_out(receipt))


def receipt_out(receipt: dict[str, object] | None) -> ReceiptOut | ReceiptPending:
    """A receipt as it is answered."""
    return ReceiptPending() if receipt is None else ReceiptOut.model_validate(receipt)


def _check(report: ReportIn, owner: str | None, organisations: Collection[str]) -> None:
    wrong = faults_of(report)
    if report.organisation_id not in organisations:
        wrong.append(fault("/organisation_id", "unknown_organisation"))
    if owner is None:
        wrong += [fault(f"/attachments/{n}", "unknown_upload") for n in range(len(report.attachments))]
    if wrong:
        raise invalid_fields(*wrong)


def _shown(holder: Holder) -> SealTo:
    return SealTo.model_validate({"key_id": holder.key_id, "role": holder.role, "recipient": holder.recipient})
