"""The receipt code of a moved case: kept until its citizen fetches it, and a while longer, since answers get lost."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.keys import IntegrityKeys
from services.integrity.moving import repository
from services.integrity.moving.claim import Claim
from services.integrity.reports.repository import report_by_locator
from services.integrity.reports.story import REPORTER, Step, take, whole_hour
from services.integrity.sealing.receipt_code import ReceiptCode
from services.integrity.settings import IntegritySettings
from shared.kit.db import Database
from shared.kit.web.buckets import Buckets
from shared.kit.web.language import Text
from shared.kit.web.problems import NOT_FOUND, Problem

_WRONG_CLAIM = Text(
    "این کد درست نیست، هنوز آماده نشده، پیش‌تر به کار رفته یا مهلتش گذشته است. اگر پرونده‌تان تازه منتقل شده،"
    " چند دقیقهٔ دیگر دوباره تلاش کنید.",
    "This claim is not right, not ready yet, used already, or its time is over. If your case was moved just now, please"
    " try again in some minutes.",
)


class MovedReceipts:
    """Keeps receipt codes, and gives each to whoever has its claim."""

    def __init__(self, settings: IntegritySettings, database: Database, keys: IntegrityKeys) -> None:
        self._settings = settings
        self._database = database
        self._keys = keys
        # as at the receipt codes: 256 bits are not guessed, this is against wearing us out
        self._tries = Buckets("claim", settings.codes_per_minute, 60)
        self._tries_in_all = Buckets("claims", settings.codes_in_all_per_minute, 60)

    async def keep(self, connection: AsyncConnection, claim: str, code: ReceiptCode) -> None:
        """Keeps a code for who has the claim, in the caller's transaction. ValueError if it is no claim."""
        known = Claim.parse(claim, self._keys)
        if known is None:
            raise ValueError("not a claim")
        # whole hours, as all that is kept of when; a begun one counts whole
        until = whole_hour(datetime.now(UTC)) + timedelta(days=self._settings.claim_days, hours=1)
        await repository.add(connection, id=known.id, code_sealed=known.seal(code), expires_at=until)

    async def fetch(self, claim: Any) -> ReceiptCode:
        """The code that the claim opens; each time is a step of the report, so that its reporter sees it.

        Raises a 404 problem, always the same, for a claim that is wrong, malformed, used up or expired, or whose
        reporter was forgotten; 429 past the limits.
        """
        self._tries_in_all.take("")
        known = Claim.parse(claim, self._keys)
        if known is None:
            raise Problem(NOT_FOUND, detail=_WRONG_CLAIM)
        self._tries.take(known.id.hex())
        async with self._database.transaction() as connection:
            row = await repository.waiting(connection, known.id)
            if row is None:
                raise Problem(NOT_FOUND, detail=_WRONG_CLAIM)
            code = known.open(row.code_sealed)
            await self._record(connection, known, code, again=row.fetched)
        return code

    async def _record(self, connection: AsyncConnection, claim: Claim, code: ReceiptCode, *, again: bool) -> None:
        """That the code was fetched: from the first time on it is kept for a while only."""
        now = datetime.now(UTC)
        if not again:
            until = now + timedelta(hours=self._settings.claim_again_hours)
            await repository.fetched(connection, claim.id, expires_at=until)
        report = await report_by_locator(connection, code.locator, lock=True)
        if report is None:  # its reporter was forgotten meanwhile
            raise Problem(NOT_FOUND, detail=_WRONG_CLAIM)
        step = Step("receipt_fetched", REPORTER, whole_hour(now), visible=True, counts=False)
        await take(connection, report, step, self._keys)

    async def forget(self) -> None:
        """Deletes the codes whose time is over."""
        async with self._database.transaction(wakes=False) as connection:
            await repository.forget_expired(connection)
