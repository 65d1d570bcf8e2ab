"""From a letter's values to its PDF (PDF/A-3a, PDF/UA-1) by Typst: the same values give the same bytes."""

import asyncio
import io
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, time
from multiprocessing import get_context
from pathlib import Path

import orjson
import segno
import typst

from services.letters.press.content import Letter
from services.letters.press.signing import Office

TEMPLATE = Path(__file__).resolve().parents[1] / "template" / "letter.typ"
STANDARDS = ["a-3a", "ua-1"]
_TIMEOUT_SECONDS = 60


class UnrenderableText(Exception):
    """The letter holds a character that our font has no shape for; an archive may not hold a box in its place."""


@dataclass(frozen=True)
class Look:
    """Where the fonts are, and where on the page the envelope's window is (millimetres from left and top)."""

    fonts: Path
    window_left_mm: float
    window_top_mm: float


@dataclass(frozen=True)
class Seal:
    """With what letters are signed: the folder of the office's keys, and who dates the signatures."""

    keys: Path
    tsa_url: str | None


def render(letter: Letter, look: Look) -> bytes:
    """The PDF, not yet signed. Raises ``UnrenderableText``; anything else is a defect of ours (``TypstError``)."""
    inputs = {
        "letter": orjson.dumps(letter.page()).decode(),
        "record": orjson.dumps(letter.record(), option=orjson.OPT_SORT_KEYS).decode(),
        "qr": _qr(letter.verify_url),
        "window_left": str(look.window_left_mm),
        "window_top": str(look.window_top_mm),
    }
    try:
        pdf = _compiler(look.fonts).compile(
            format="pdf",
            sys_inputs=inputs,
            pdf_standards=STANDARDS,  # type: ignore[arg-type]
            timestamp=datetime.combine(letter.issued_on, time(), UTC),
        )
    except typst.TypstError as error:
        # "the text … could not be displayed with font …": the message holds the text, and goes no further
        if "could not be displayed" in error.message or "glyph" in error.message:
            raise UnrenderableText from None
        raise
    if not isinstance(pdf, bytes):
        raise TypeError("Typst gave no PDF")
    return pdf


class Press:
    """A pool of processes, each with a warm compiler and the office's key: both take time that an event loop with
    requests to answer does not have."""

    def __init__(self, look: Look, seal: Seal, processes: int) -> None:
        self._look = look
        self._seal = seal
        # not fork: the parent runs an event loop and threads
        self._pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))

    async def render(self, letter: Letter) -> bytes:
        """As ``render``, in one of the pool's processes."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            return await loop.run_in_executor(self._pool, render, letter, self._look)

    async def make(self, letter: Letter) -> bytes:
        """The letter rendered, signed and checked, in one of the pool's processes. Raises as ``render``, and
        ``NotSigned``."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            return await loop.run_in_executor(self._pool, _make, letter, self._look, self._seal)

    def close(self) -> None:
        """Ends the processes."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _make(letter: Letter, look: Look, seal: Seal) -> bytes:
    return asyncio.run(_office(seal).sign(render(letter, look)))


_offices: dict[Seal, Office] = {}


def _office(seal: Seal) -> Office:
    if seal not in _offices:
        _offices[seal] = Office(seal.keys, tsa_url=seal.tsa_url)
    return _offices[seal]


_compilers: dict[Path, typst.Compiler] = {}


def _compiler(fonts: Path) -> typst.Compiler:
    """One per process: reading fonts and template costs more than a letter."""
    if fonts not in _compilers:
        _compilers[fonts] = typst.Compiler(
            input=str(TEMPLATE), root=str(TEMPLATE.parent), font_paths=[str(fonts)], ignore_system_fonts=True
        )
    return _compilers[fonts]


def _qr(url: str) -> str:
    out = io.BytesIO()
    segno.make(url, error="m", micro=False).save(out, kind="svg", border=1, xmldecl=False, svgns=True, nl=False)
    return out.getvalue().decode()
