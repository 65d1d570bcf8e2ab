"""The letter maker on a real PostgreSQL: a case that is moved before its letter is made gets none, and no number."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson
import pytest

from deploy.local.keys import make_keys
from services.letters.archive import FolderArchive
from services.letters.consumers import keep
from services.letters.keys import LettersKeys
from services.letters.press.press import Press
from services.letters.press.worker import LetterMaker
from services.letters.repository import take_number
from shared.contracts.envelope import DepartmentRef, Event
from shared.contracts.intake import CaseRegistered, CaseRegisteredData
from shared.contracts.routing import CaseDecided, CaseDecidedData, CaseMoved, CaseMovedData
from shared.kit.db import Database
from shared.kit.ids import uuid7
from shared.kit.migrate import upgrade
from shared.kit.outbox import new_event
from shared.kit.sealing import seal
from shared.kit.settings import ServiceSettings
from tests.services.letters.papers import LETTER, LOOK

DEPARTMENT = DepartmentRef(id="sso", name_fa=LETTER.department, name_en="SSO")
ADDRESS = {"province": "IR-23", "city": "تهران", "line": "خیابان آزادی، پلاک ۱۲", "postal_code": "1456789012"}


class Maker:
    """A letter maker, and what the others tell it."""

    def __init__(self, maker: LetterMaker, database: Database, admin: asyncpg.Connection, keys: LettersKeys) -> None:
        self.make_due = maker.make_due
        self._database = database
        self._admin = admin
        self._keys = keys

    async def hear(self, *events: Event) -> None:
        """Handles events in that order."""
        for event in events:
            async with self._database.transaction() as connection:
                await keep(connection, event)

    def case(self, case_id: UUID) -> tuple[Event, Event, Event]:
        """A case's registration, decision and move."""
        contact = {"full_name": LETTER.recipient, "national_id": None, "mobile": None, "postal_address": ADDRESS}
        words = {"body": LETTER.body, "decided_by_title": LETTER.signatory}
        now, owner = datetime.now(UTC), str(case_id).encode()
        registered = CaseRegisteredData(
            tracking_code=LETTER.tracking_code,
            kind="complaint",
            channel="letter",
            language="fa",
            registered_at=now,
            citizen_id=None,
            province="IR-23",
            reachable=False,
            contact_sealed=seal(self._keys.contact, orjson.dumps(contact), b"contact:" + owner),
            text_sealed="k1.AAAA",
        )
        decided = CaseDecidedData(
            status="decided",
            department=DEPARTMENT,
            decision_no=1,
            decided_at=now,
            outcome="upheld",
            letter_sealed=seal(self._keys.letter, orjson.dumps(words), b"letter:" + owner),
        )
        moved = CaseMovedData(status="moved", organisation_id="sso")
        return (
            new_event(CaseRegistered, subject=str(case_id), sequence=1, case_id=case_id, data=registered),
            new_event(CaseDecided, subject=str(case_id), sequence=1, case_id=case_id, data=decided),
            new_event(CaseMoved, subject=str(case_id), sequence=2, case_id=case_id, data=moved),
        )

    async def crash_after_numbering(self, case_id: UUID) -> None:
        """A letter that has its number, and whose maker ended then."""
        async with self._database.transaction() as connection:
            id = (await self.letter(case_id))["id"]
            await take_number(
                connection, id, office="110", code="9F3KQ2M7XT4B0DWE", issued_at=datetime.now(UTC), rooted_on=None
            )

    async def letter(self, case_id: UUID) -> asyncpg.Record:
        """The case's letter as it stands."""
        return await self._admin.fetchrow("SELECT * FROM letters WHERE case_id = $1", case_id)


@pytest.fixture(scope="module")
def dsn(postgres_database: str) -> str:
    """A migrated database of letters."""
    upgrade("services.letters", postgres_database)
    return postgres_database


@pytest.fixture
async def maker(dsn: str, keys: Path, tmp_path: Path) -> AsyncIterator[Maker]:
    """A letter maker with one press."""
    make_keys(tmp_path / "rings")
    rings = LettersKeys.load(ServiceSettings(keys_dir=tmp_path / "rings"))
    database, admin = Database.connect(dsn, pool_size=4), await asyncpg.connect(dsn)
    await admin.execute("TRUNCATE letters, recipients, counters, outbox")
    press = Press(LOOK, keys=keys, tsa_url=None, processes=1)
    made = LetterMaker(
        database=database,
        keys=rings,
        press=press,
        archive=FolderArchive(tmp_path / "letters"),
        office_number="110",
        public_url="https://seda.example.ir",
        at_once=2,
    )
    yield Maker(made, database, admin, rings)
    press.close()
    await admin.close()
    await database.close()


@pytest.mark.parametrize("first", ["the decision", "the move"])
async def test_a_draft_of_a_moved_case_is_put_aside_and_the_next_letter_has_the_first_number(
    maker: Maker, first: str
) -> None:
    moved, other = uuid7(), uuid7()
    registered, decision, move = maker.case(moved)
    await maker.hear(registered, *((decision, move) if first == "the decision" else (move, decision)))
    assert await maker.make_due() == 1
    letter = await maker.letter(moved)
    assert (letter["state"], letter["letter_sealed"], letter["number"], letter["n"]) == ("moved", "", None, None)

    await maker.hear(*maker.case(other)[:2])
    assert await maker.make_due() == 1, "the one put aside is never tried again"
    letter = await maker.letter(other)
    assert (letter["state"], letter["n"]) == ("archived", 1)
    assert await maker.make_due() == 0


async def test_a_number_that_was_taken_before_the_move_stays_taken(maker: Maker) -> None:
    case_id = uuid7()
    registered, decision, move = maker.case(case_id)
    await maker.hear(registered, decision)
    await maker.crash_after_numbering(case_id)
    await maker.hear(move)
    assert await maker.make_due() == 1
    letter = await maker.letter(case_id)
    assert (letter["state"], letter["n"], letter["sha256"]) == ("moved", 1, None)
    await maker.hear(*maker.case(other := uuid7())[:2])
    await maker.make_due()
    assert (await maker.letter(other))["n"] == 2
