"""Letters a second on two processes: rendered, signed, checked and archived."""

import asyncio
import time
from datetime import date
from pathlib import Path

from deploy.local.fonts import FONTS
from services.letters.archive import FolderArchive
from services.letters.office_keys import make_office_keys
from services.letters.press.content import Letter, LogRoot
from services.letters.press.press import Press
from services.letters.press.rendering import Look, Sender, Window

LETTERS = 200
PROCESSES = 2


def run(base: Path) -> float:
    """Letters a second, as the letter maker makes them (a trial and a final rendering, one signature)."""
    return asyncio.run(_measure(base))


async def _measure(base: Path) -> float:
    make_office_keys(base / "keys")
    archive = FolderArchive(base / "archive")
    look = Look(FONTS, Window(20, 48, 90, 35), Sender("تهران، خیابان آزادی", "Azadi Street, Tehran", None))
    press = Press(look, keys=base / "keys", tsa_url=None, processes=PROCESSES)

    async def make(number: int) -> None:
        await press.render(_letter(0))
        await asyncio.to_thread(archive.put, await press.make(_letter(number)))

    try:
        await press.warm()
        await asyncio.gather(*(make(number) for number in range(PROCESSES)))
        began = time.monotonic()
        for start in range(0, LETTERS, PROCESSES):
            await asyncio.gather(*(make(PROCESSES + start + n) for n in range(PROCESSES)))
        return LETTERS / (time.monotonic() - began)
    finally:
        press.close()


def _letter(number: int) -> Letter:
    return Letter(
        number=f"1405/110/{number}",
        issued_on=date(2026, 11, 24),
        language="fa",
        recipient="زهرا محمدی",
        address=("استان تهران، تهران", "خیابان ولیعصر، کوچهٔ بهار، پلاک ۱۲", "کد پستی ۱۹۶۸۹۴۳۱۱۷"),
        kind="complaint",
        tracking_code="7K3M9XQ2TBD",
        registered_on=date(2026, 11, 10),
        decided_on=date(2026, 11, 23),
        department="تأمین اجتماعی – بیمه‌ای و سوابق",
        signatory="مدیر تأمین اجتماعی – بیمه‌ای و سوابق",
        outcome="upheld",
        body="شکایت شما بررسی شد و هشت ماه سابقهٔ شما در سامانه ثبت شد.\nاز شکیبایی شما سپاسگزاریم.",
        code="9F3K-Q2M7-XT4B-0DWE",
        verify_url="http://127.0.0.1:8080/v1/letters/verify/9F3KQ2M7XT4B0DWE",
        log=LogRoot(date(2026, 11, 22), 41_207, 41_316, bytes(range(32))),
    )
