"""What a letter prints of the transparency log: what was known when it got its number, and the same ever after."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import orjson
import pytest

from deploy.local.keys import make_keys
from services.letters import repository
from services.letters.api import router
from services.letters.archive import FolderArchive
from services.letters.consumers import keep_log
from services.letters.keys import LettersKeys
from services.letters.press.press import Press
from services.letters.press.worker import LetterMaker
from services.letters.settings import LettersSettings
from shared.contracts.integrity import LogRooted, LogRootedData
from shared.kit.auth import Mint, Principal, Verifier
from shared.kit.db import Database
from shared.kit.migrate import upgrade
from shared.kit.sealing import seal
from shared.kit.web.app import create_api
from shared.persian.calendar import tehran_day
from tests.services.letters.papers import LOOK, attached, groups, words

DAY = date(2026, 11, 20)


@dataclass
class Desk:
    """letters in this process: its database, its keys, a letter maker, and its API."""

    database: Database
    admin: asyncpg.Connection
    keys: LettersKeys
    maker: LetterMaker
    archive: FolderArchive
    http: httpx.AsyncClient

    async def told(self, day: date, **changes: Any) -> LogRootedData:
        """integrity tells of a day."""
        place = (day - DAY).days
        data = {
            "day": day,
            "leaf": _hash(f"leaf {place}"),
            "index": place,
            "size": place + 3,
            "root": _hash(f"{place}"),
        }
        rooted = LogRootedData.model_validate({**data, **changes})
        event = LogRooted(id=uuid4(), subject="zrm", sequence=place + 1, time=datetime.now(UTC), data=rooted)
        async with self.database.transaction() as connection:
            await keep_log(connection, event)
        return rooted

    async def decided(self, body: str = "سابقهٔ شما ثبت شد.") -> UUID:
        """A decision that asks for a letter; the case."""
        case = uuid4()
        contact = {"full_name": "مریم احمدی", "postal_address": ADDRESS}
        letter = {"body": body, "decided_by_title": "مدیرکل"}
        async with self.database.transaction() as connection:
            await repository.put_recipient(
                connection,
                case_id=case,
                tracking_code="7K3MZ0Q1XAB",
                citizen_id=uuid4(),
                language="fa",
                kind="complaint",
                registered_at=datetime.now(UTC),
                contact_sealed=seal(self.keys.contact, orjson.dumps(contact), f"contact:{case}".encode()),
                sequence=1,
            )
            await repository.add_draft(
                connection,
                id=uuid4(),
                case_id=case,
                decision_no=1,
                cause_id=uuid4(),
                outcome="upheld",
                letter_sealed=seal(self.keys.letter, orjson.dumps(letter), f"letter:{case}".encode()),
                department_fa="سازمان تأمین اجتماعی",
                department_en="Social Security Organization",
                decided_at=datetime.now(UTC),
                traceparent=None,
            )
        return case

    async def letter(self, case: UUID) -> Any:
        """The letter's row."""
        return await self.admin.fetchrow("SELECT * FROM letters WHERE case_id = $1", case)

    async def made(self) -> tuple[Any, bytes]:
        """A letter, made: its row and its PDF."""
        case = await self.decided()
        assert await self.maker.make_due() == 1
        row = await self.letter(case)
        assert row["state"] == "archived"
        return row, self.archive.get(row["sha256"])

    async def verified(self, code: str) -> Any:
        """What anybody is told of a code."""
        answer = await self.http.get(f"/v1/letters/verify/{code}")
        assert answer.status_code == 200, answer.text
        return answer.json()


ADDRESS = {"province": "IR-23", "city": "تهران", "line": "خیابان آزادی، پلاک ۱۲", "postal_code": "1456789012"}


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@pytest.fixture(scope="module")
async def press(keys: Path) -> AsyncIterator[Press]:
    press = Press(LOOK, keys=keys, tsa_url=None, processes=1)
    await press.warm()
    yield press
    press.close()


@pytest.fixture(scope="module")
def dsn(postgres_database: str) -> str:
    """A migrated database of letters."""
    upgrade("services.letters", postgres_database)
    return postgres_database


@pytest.fixture
async def desk(dsn: str, press: Press, keys: Path, tmp_path: Path) -> AsyncIterator[Desk]:
    make_keys(keys)
    own, archive = LettersKeys.load(LettersSettings(keys_dir=keys, environment="development")), FolderArchive(tmp_path)
    database, admin = Database.connect(dsn, pool_size=2), await asyncpg.connect(dsn)
    await admin.execute("TRUNCATE letters, recipients, counters, log_roots, outbox CASCADE")
    maker = LetterMaker(
        database=database,
        keys=own,
        press=press,
        archive=archive,
        office_number="110",
        public_url="https://seda.example.ir",
        at_once=1,
    )
    api = create_api("letters", routers=[router])
    api.state.database, api.state.resources = database, SimpleNamespace(archive=archive)
    api.state.verifier = Verifier.load(keys / "gateway-internal.pub.jwk", "letters")
    token = Mint.load(keys / "gateway-internal.jwk").token(Principal("public", "public"), "letters")
    headers = {"Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(api)
    async with httpx.AsyncClient(transport=transport, base_url="http://letters", headers=headers) as http:
        yield Desk(database, admin, own, maker, archive, http)
    await admin.close()
    await database.close()


def printed(pdf: bytes, root: str) -> bool:
    """Whether the page shows that root."""
    seen = {word.text for word in words(pdf)}
    return set(groups(bytes.fromhex(root))) <= seen


async def test_before_there_is_a_root_the_letter_says_nothing_of_it(desk: Desk) -> None:
    row, pdf = await desk.made()
    assert row["rooted_on"] is None
    assert attached(pdf)["log"] is None


async def test_a_letter_prints_the_newest_root_that_was_known_when_it_was_numbered(desk: Desk) -> None:
    newest = await desk.told(DAY + timedelta(days=1))
    await desk.told(DAY)
    row, pdf = await desk.made()
    assert row["rooted_on"] == newest.day
    assert printed(pdf, newest.root)
    record = attached(pdf)["log"]
    assert record == {**newest.model_dump(mode="json", exclude={"leaf"}), "day_jalali": "1405-08-30"}


async def test_told_again_otherwise_a_day_stays_what_was_printed(desk: Desk) -> None:
    first = await desk.told(DAY)
    await desk.told(DAY, size=99, root=_hash("another"))
    _, pdf = await desk.made()
    assert printed(pdf, first.root)


async def test_a_letter_made_again_after_a_crash_is_the_same_to_the_byte(
    desk: Desk, press: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await desk.told(DAY)
    rendered: list[bytes] = []

    async def cut_off(letter: Any) -> bytes:
        rendered.append(await press.render(letter))
        if len(rendered) == 1:
            raise OSError
        return await make(letter)

    make = press.make
    monkeypatch.setattr(press, "make", cut_off)
    case = await desk.decided()
    await desk.maker.make_due()
    assert (await desk.letter(case))["state"] == "numbered"
    await desk.told(DAY + timedelta(days=1))
    await desk.admin.execute("UPDATE letters SET next_attempt_at = now()")
    await desk.maker.make_due()
    assert (await desk.letter(case))["state"] == "archived"
    assert rendered[0] == rendered[1]
    assert printed(rendered[1], first.root)


async def test_a_trial_spends_no_number(desk: Desk) -> None:
    await desk.told(DAY)
    case = await desk.decided("نشانهٔ 😀")
    await desk.maker.make_due()
    row = await desk.letter(case)
    assert (row["state"], row["number"], row["rooted_on"]) == ("unrenderable", None, None)
    row, _ = await desk.made()
    assert row["n"] == 1


async def test_verification_shows_the_day_of_the_letters_own_event_once_it_is_over(desk: Desk) -> None:
    await desk.told(DAY)
    row, _ = await desk.made()
    assert (await desk.verified(row["code"]))["log"] is None
    event = json.loads(await desk.admin.fetchval("SELECT body FROM outbox WHERE type = 'letter.issued.v1'"))
    day = tehran_day(datetime.fromisoformat(event["time"]))
    told = await desk.told(day)
    shown = (await desk.verified(row["code"]))["log"]
    assert shown.pop("proof") == f"/v1/log/proof?leaf={told.leaf}"
    assert shown.pop("day_jalali")
    assert shown == told.model_dump(mode="json", exclude={"leaf"})
