"""Making letters: draft → numbered → archived. Each step is durable before the next, so a crash goes on from there.

A trial rendering comes before the number is taken: a text that cannot be rendered spends none. After the signature
the letter is archived first and told then; a crash in between leaves an unnamed file and signs again.
"""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from services.letters import repository
from services.letters.archive import Archive
from services.letters.keys import LettersKeys
from services.letters.numbering import LetterNumber
from services.letters.press.content import Letter, LogRoot, UnrenderableText
from services.letters.press.press import Press
from services.letters.verification import grouped, new_code
from shared.contracts.letters import LetterIssued, LetterIssuedData
from shared.kit.db import Database
from shared.kit.outbox import append, new_event
from shared.kit.telemetry import log, span
from shared.persian.calendar import tehran_day
from shared.persian.digits import to_persian
from shared.persian.places import PROVINCES

POLL_SECONDS = 0.2
_LONGEST_PAUSE = 600.0


class LetterMaker:
    """Takes drafts and makes letters of them, as many at a time as there are presses."""

    name = "letters"

    def __init__(
        self,
        *,
        database: Database,
        keys: LettersKeys,
        press: Press,
        archive: Archive,
        office_number: str,
        public_url: str,
        at_once: int,
    ) -> None:
        self._database = database
        self._keys = keys
        self._press = press
        self._archive = archive
        self._office_number = office_number
        self._public_url = public_url.rstrip("/")
        self._at_once = at_once
        self._wake = database.wake.another()

    async def run(self) -> None:
        """Makes letters until cancelled."""
        while True:
            try:
                made = await self.make_due()
            except (OSError, SQLAlchemyError, TimeoutError) as error:
                log.warning("letters_interrupted", error=type(error).__name__)
                made = 0
            if made < self._at_once:
                await self._wake.wait(POLL_SECONDS)

    async def make_due(self) -> int:
        """Makes the letters that are due now; how many it tried."""
        async with self._database.transaction(wakes=False) as connection:
            rows = await repository.claim(connection, limit=self._at_once)
        await asyncio.gather(*(self._make(row) for row in rows))
        return len(rows)

    async def _make(self, row: Any) -> None:
        with span("make letter", row.traceparent):
            try:
                if row.contact_sealed:
                    await self._issue(row)
                else:  # whichever came first, the move or the decision, it ends here
                    async with self._database.transaction(wakes=False) as connection:
                        await repository.put_aside_moved(connection, row.id)
            except UnrenderableText:
                log.error("letter_unrenderable", case_id=row.case_id)
                async with self._database.transaction() as connection:
                    await repository.put_aside(connection, row.id)
            except Exception as error:  # one letter's failure, whatever it is, must not stop the others
                log.warning("letter_failed", case_id=row.case_id, error=type(error).__name__)
                async with self._database.transaction() as connection:
                    pause = min(5.0 * 2 ** min(row.attempts, 10), _LONGEST_PAUSE)
                    await repository.try_again(connection, row.id, seconds=pause)

    async def _issue(self, row: Any) -> None:
        number, code, issued_at = row.number, row.code, row.issued_at
        if row.state == "draft":
            issued_at, code = datetime.now(UTC), new_code()
            trial = LetterNumber.trial(issued_at, self._office_number)
            await self._press.render(self._letter(row, str(trial), code, issued_at))
            async with self._database.transaction() as connection:
                taken = await repository.take_number(
                    connection,
                    row.id,
                    office=self._office_number,
                    code=code,
                    issued_at=issued_at,
                    rooted_on=row.log_day,
                )
            number = taken.number
        pdf = await self._press.make(self._letter(row, number, code, issued_at))
        digest = await asyncio.to_thread(self._archive.put, pdf)
        told_at = datetime.now(UTC)
        async with self._database.transaction() as connection:
            issued = await repository.archived(connection, row.id, sha256=digest, told_on=tehran_day(told_at))
            if issued is not None:
                await append(connection, _issued(issued, told_at))

    def _letter(self, row: Any, number: str, code: str, issued_at: datetime) -> Letter:
        contact = self._keys.contact_of(row.case_id, row.contact_sealed)
        text = self._keys.letter_of(row.case_id, row.letter_sealed)
        fa = row.language == "fa"
        department = row.department_fa if fa else row.department_en
        return Letter(
            number=number,
            issued_on=tehran_day(issued_at),
            language=row.language,
            recipient=contact["full_name"],
            address=_address_lines(contact["postal_address"], fa=fa),
            kind=row.kind,
            tracking_code=row.tracking_code,
            registered_on=tehran_day(row.registered_at),
            decided_on=tehran_day(row.decided_at),
            department=department,
            signatory=text["decided_by_title"] or department,
            outcome=row.outcome,
            body=text["body"],
            code=grouped(code),
            verify_url=f"{self._public_url}/v1/letters/verify/{code}",
            log=LogRoot(row.log_day, row.log_index, row.log_size, row.log_root) if row.log_day else None,
        )


def _address_lines(address: dict[str, str], *, fa: bool) -> tuple[str, ...]:
    province = PROVINCES[address["province"]]
    if fa:
        postal_code = f"کد پستی {to_persian(address['postal_code'])}"
        return (f"استان {province.name_fa}، {address['city']}", address["line"], postal_code)
    return (address["line"], f"{address['city']}, {province.name_en}", f"Postal code {address['postal_code']}")


def _issued(row: Any, told_at: datetime) -> LetterIssued:
    issued_on: date = tehran_day(row.issued_at)
    event = new_event(
        LetterIssued,
        subject=str(row.id),
        sequence=row.sequence,
        case_id=row.case_id,
        causation_id=row.cause_id,
        data=LetterIssuedData(
            letter_id=row.id,
            number=row.number,
            decision_no=row.decision_no,
            issued_on=issued_on,
            sha256=row.sha256,
            supersedes=row.supersedes,
        ),
    )
    # the day on which it lies in the log is kept with the letter
    return event.model_copy(update={"time": told_at})
