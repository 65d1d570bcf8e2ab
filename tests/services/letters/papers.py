"""A letter to try things on, and what other programs (poppler, pikepdf, page) see in its PDF."""

import io
import os
import re
import subprocess
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import orjson
import page
import pikepdf

from deploy.local.fonts import FONTS
from deploy.local.packages import checked_signatures, libraries, pdfsig
from services.letters.press.content import Letter, LogRoot
from services.letters.press.rendering import Look, Sender, Window

LOOK = Look(
    FONTS,
    Window(left=20, top=48, width=90, height=35),
    Sender("تهران، خیابان آزادی", "Azadi Street, Tehran", "021-1234 0000"),
)

LETTER = Letter(
    number="1405/12/34",
    issued_on=date(2026, 11, 24),
    language="fa",
    recipient="مریم احمدی",
    address=("استان تهران، تهران", "خیابان آزادی، کوچهٔ لاله، پلاک ۱۲", "کد پستی ۱۴۵۶۷۸۹۰۱۲"),
    kind="complaint",
    tracking_code="7K3MZ0Q1XAB",
    registered_on=date(2026, 11, 10),
    decided_on=date(2026, 11, 23),
    department="سازمان تأمین اجتماعی",
    signatory="مدیرکل رسیدگی به شکایات",
    outcome="upheld",
    body="پیرو شکایت شما، هشت ماه سابقهٔ شما در سامانه ثبت شد.\nبا سپاس از شکیبایی شما.",
    code="9F3K-Q2M7-XT4B-0DWE",
    verify_url="https://seda.example.ir/v1/letters/verify/9F3KQ2M7XT4B0DWE",
    log=LogRoot(date(2026, 11, 22), 41_207, 41_316, sha256(b"root").digest()),
)
ENGLISH = replace(
    LETTER,
    language="en",
    recipient="Maryam Ahmadi",
    address=("No. 12, Laleh Alley, Azadi Street", "Tehran, Tehran", "Postal code 1456789012"),
    department="Social Security Organization",
    signatory="Director General",
    body="Your complaint was examined and the eight months were recorded.",
)
BEFORE_THE_LOG = replace(LETTER, log=None)
LONG = replace(LETTER, body="\n".join(f"بند {n}: پرونده بررسی شد و نتیجهٔ آن به آگاهی شما می‌رسد." for n in range(60)))


@dataclass(frozen=True)
class Word:
    """A word as it is seen: its characters from left to right, and its box in points from the upper left corner."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


_WORD = re.compile(r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">(.*?)</word>')
_UNSEEN = re.compile("[\u064b-\u0655\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def words(pdf: bytes, number: int = 1) -> list[Word]:
    """The words of a page by ``pdftotext -bbox``, which gives the glyphs in the order of their places; without marks
    above and below, and what is not seen."""
    said = _poppler("pdftotext", "-f", str(number), "-l", str(number), "-bbox", "-", "-", pdf=pdf)
    return [
        Word(_UNSEEN.sub("", unescape(found[5])).strip(), *(float(found[n]) for n in range(1, 5)))
        for found in _WORD.finditer(said)
    ]


def groups(root: bytes) -> list[str]:
    """A hash as it is printed."""
    return re.findall(".{8}", root.hex())


def shown(text: str) -> str:
    """A Persian word as its letters stand from left to right, marks left out as in ``words``."""
    # lam and alef are one glyph
    return "".join(reversed(re.findall("لا|.", _UNSEEN.sub("", text))))


def signature_report(pdf: bytes, folder: Path) -> str:
    """What ``pdfsig`` says."""
    path = folder / "letter.pdf"
    path.write_bytes(pdf)
    return checked_signatures(path)


def fonts(pdf: bytes) -> list[list[str]]:
    """``pdffonts``: for each font its name, and whether it is embedded and a subset."""
    rows = _poppler("pdffonts", "-", pdf=pdf).splitlines()[2:]
    return [[row.split()[0], *row.split()[-5:-3]] for row in rows]


def failures(pdf: bytes) -> list[str]:
    """Which rules of PDF/A-3a and PDF/UA-1 the file breaks, by an independent validator."""
    reports = [page.validate_pdf_bytes(pdf, profile=profile) for profile in ("3a", "ua1")]
    found = [f"{failure.rule_id}: {failure.message}" for report in reports for failure in report.failures]
    # the validator takes a last byte 0x0A or 0x0D of compressed data for the end of line behind it: counted here
    for stream in re.finditer(rb"/Length (\d+)[^>]*>>\s*stream\r?\n", pdf):
        if not pdf[stream.end() + int(stream[1]) :].lstrip().startswith(b"endstream"):
            return found
    return [failure for failure in found if "STREAM-LENGTH" not in failure]


def pages(pdf: bytes) -> int:
    """How many pages there are."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return len(document.pages)


def attached(pdf: bytes) -> dict[str, Any]:
    """The letter for machines."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        record: dict[str, Any] = orjson.loads(document.attachments["letter.json"].get_file().read_bytes())
        return record


def _poppler(program: str, *words: str, pdf: bytes | None = None) -> str:
    checker = pdfsig()
    assert checker is not None, "poppler-utils is missing"
    done = subprocess.run(
        [checker.with_name(program), *words],
        input=pdf,
        env={**os.environ, **libraries()},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()
