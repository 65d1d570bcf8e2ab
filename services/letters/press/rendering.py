"""From a letter's values to its PDF (PDF/A-3a, PDF/UA-1) by Typst: the same values give the same bytes."""

import io
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import orjson
import segno
import typst

from services.letters.press.content import Letter, LogRoot, UnrenderableText
from shared.persian.digits import to_persian

TEMPLATE = Path(__file__).resolve().parents[1] / "template" / "letter.typ"
FONT = "Vazirmatn"
STANDARDS = ["a-3a", "ua-1"]

# The signature's box at the foot of the last page, in millimetres. The template draws it, ``signing`` lays the field
# of the digital signature over it.
MARGIN_SIDE, MARGIN_BOTTOM = 22, 28
SEAL_WIDTH, SEAL_HEIGHT = 54, 23


class CannotRender(Exception):
    """A defect of ours in the template or its data; the message holds nothing of the letter."""


@dataclass(frozen=True)
class Window:
    """The envelope's window on the page: millimetres from the left and top edge, and its size."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Sender:
    """Where the ministry's centre is reached: printed at the foot of each page. ``phone`` with Latin digits."""

    address_fa: str
    address_en: str
    phone: str | None


@dataclass(frozen=True)
class Look:
    """What all letters share: the folder of the fonts, the window, the sender."""

    fonts: Path
    window: Window
    sender: Sender

    def page(self) -> dict[str, Any]:
        """As the template reads it, lengths in millimetres."""
        return {
            "window_left": self.window.left,
            "window_top": self.window.top,
            "window_width": self.window.width,
            "window_height": self.window.height,
            "address_fa": to_persian(self.sender.address_fa),
            "address_en": self.sender.address_en,
            "phone": self.sender.phone,
            "phone_fa": to_persian(self.sender.phone or ""),
            "margin_side": MARGIN_SIDE,
            "margin_bottom": MARGIN_BOTTOM,
            "seal_width": SEAL_WIDTH,
            "seal_height": SEAL_HEIGHT,
        }


_SAMPLE = Letter(
    number="1400/1/0",
    issued_on=date(2021, 3, 21),
    language="fa",
    recipient="",
    address=(),
    kind="request",
    tracking_code="",
    registered_on=date(2021, 3, 21),
    decided_on=date(2021, 3, 21),
    department="",
    signatory="",
    outcome="answered",
    body="",
    code="",
    verify_url="https://seda.invalid/",
    log=LogRoot(date(2021, 3, 20), 0, 1, bytes(32)),
)


def warm(look: Look) -> None:
    """Reads fonts and template, so that this process' next letter need not wait. Raises ``UnrenderableText`` if the
    font is missing."""
    render(_SAMPLE, look)


def render(letter: Letter, look: Look) -> bytes:
    """The PDF, not yet signed. Raises ``UnrenderableText`` or ``CannotRender``."""
    try:
        inputs = {
            "letter": orjson.dumps(letter.page()).decode(),
            "look": orjson.dumps(look.page()).decode(),
            "record": orjson.dumps(letter.record(), option=orjson.OPT_SORT_KEYS).decode(),
            "qr": _qr(letter.verify_url),
        }
        pdf = _compiler(look.fonts).compile(
            format="pdf",
            sys_inputs=inputs,
            pdf_standards=STANDARDS,  # type: ignore[arg-type]
            timestamp=datetime.combine(letter.issued_on, time(), UTC),
        )
    except typst.TypstError as error:
        # "the text … could not be displayed with font …", "the text contains the disallowed codepoint …": the
        # message holds the text, and goes no further
        if "could not be displayed" in error.message or "disallowed codepoint" in error.message:
            raise UnrenderableText from None
        raise CannotRender("Typst refused") from None
    if not isinstance(pdf, bytes):
        raise CannotRender("Typst gave no PDF")
    return pdf


_compilers: dict[Path, typst.Compiler] = {}


def _compiler(fonts: Path) -> typst.Compiler:
    """One per process: reading fonts and template costs more than a letter."""
    if fonts not in _compilers:
        if not any(fonts.glob(f"{FONT}-*.ttf")):
            raise CannotRender(f"the folder of fonts holds no {FONT}")
        _compilers[fonts] = typst.Compiler(
            input=str(TEMPLATE), root=str(TEMPLATE.parent), font_paths=[str(fonts)], ignore_system_fonts=True
        )
    return _compilers[fonts]


def _qr(url: str) -> str:
    out = io.BytesIO()
    segno.make(url, error="m", micro=False).save(out, kind="svg", border=1, xmldecl=False, svgns=True, nl=False)
    return out.getvalue().decode()
