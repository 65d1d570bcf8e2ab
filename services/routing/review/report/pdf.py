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
    """The PDF (PDF/UA-1, so that screen readers read it; a plain one with boxes where a note has signs that the font
    lacks). Raises ``CannotRender``."""
    compiler, inputs = _compiler(fonts), {"review": orjson.dumps(page).decode()}
    try:
        try:
            pdf = compiler.compile(format="pdf", sys_inputs=inputs, pdf_standards=["ua-1"])
        except typst.TypstError as error:
            if "could not be displayed" not in error.message:
                raise
            pdf = compiler.compile(format="pdf", sys_inputs=inputs)
    except typst.TypstError:
        raise CannotRender("Typst refused") from None
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
