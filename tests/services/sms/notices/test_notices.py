"""A notice of integrity's becomes one neutral text."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from deploy.local.keys import make_keys
from services.integrity.keys import IntegrityKeys
from services.sms.keys import SmsKeys
from services.sms.notices.consumers import NoticeTexts
from shared.contracts.integrity import NoticeRequested, NoticeRequestedData
from shared.kit.db import Database
from shared.kit.migrate import upgrade
from shared.kit.sealing import SealError
from shared.kit.settings import ServiceSettings


async def test_a_phone_is_told_once_and_learns_nothing_of_a_report(postgres_database: str, tmp_path: Path) -> None:
    make_keys(tmp_path)
    settings = ServiceSettings(keys_dir=tmp_path)
    integrity, sms = IntegrityKeys.load(settings), SmsKeys.load(settings)
    report = uuid4()
    notice, sealed = integrity.notice(report, integrity.keep_number(report, "+989121234567"))
    event = NoticeRequested(
        id=uuid4(),
        subject=str(notice),
        time=datetime.now(UTC),
        sequence=1,
        data=NoticeRequestedData(notify_sealed=sealed, language="fa"),
    )
    await asyncio.to_thread(upgrade, "services.sms", postgres_database)
    database = Database.connect(postgres_database, pool_size=1)
    for _ in range(2):
        async with database.transaction() as connection:
            await NoticeTexts(sms).handle(connection, event)
    await database.close()
    connection = await asyncpg.connect(postgres_database)
    rows = await connection.fetch("SELECT * FROM messages")
    await connection.close()
    assert len(rows) == 1
    assert sms.read(rows[0]["id"], rows[0]["text_sealed"]) == "پیام تازه‌ای برای شما در سامانهٔ صدا هست."
    assert sms.read(rows[0]["id"], rows[0]["recipient_sealed"]) == "+989121234567"
    assert (rows[0]["template"], rows[0]["case_id"]) == ("notice", None)
    with pytest.raises(SealError):
        sms.number_of(str(report), sealed)
