"""Typesets the report by Typst. Its data comes as JSON and is set as text, never as markup."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
import typst

TEMPLATE = Path(__file__).resolve().parents[1] / "template" / "review.typ"
FONT = "Vazirmatn"


class CannotRender(Exception):
    """A defect of ours in the template or its data, or the font is missing."""


def render(page: dict[str, Any], fonts: Path) -> bytes:
    """The PDF (PDF/UA-1, so that screen readers read it). Raises ``CannotRender``."""
    try:
        pdf = _compiler(fonts).compile(
            format="pdf", sys_inputs={"review": orjson.dumps(page).decode()}, pdf_standards=["ua-1"]
        )
    except typst.TypstError as error:
        raise CannotRender("Typst refused") from error
    if not isinstance(pdf, bytes):
        raise CannotRender("Typst gave no PDF")
    return pdf


@lru_cache(maxsize=1)
def _compiler(fonts: Path) -> typst.Compiler:
    """One per process: reading fonts and template costs more than a report."""
    if not any(fonts.glob(f"{FONT}-*.ttf")):
        raise CannotRender(f"the folder of fonts holds no {FONT}")
    return typst.Compiler(
        input=str(TEMPLATE), root=str(TEMPLATE.parent), font_paths=[str(fonts)], ignore_system_fonts=True
    )
