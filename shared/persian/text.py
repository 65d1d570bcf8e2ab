"""Text: one spelling at the door (``canon``), and a coarser one to search and classify by (``fold``, ``spaceless``).

``canon`` changes how a text is written, never what it says; ``fold`` gives up what readers do without.
"""

import re
from functools import lru_cache
from itertools import groupby
from unicodedata import category, combining, decimal, normalize

ZWNJ = "\u200c"


class TextError(ValueError):
    """A text that cannot be kept. ``code`` is ``text_not_clean``; the message never holds the text."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


# NUL is refused by PostgreSQL, a lone surrogate by UTF-8
_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")

# What nobody sees: controls, format characters (bidi controls among them; not the number signs and U+06DD, which have
# a glyph), variation selectors, tags, blank fillers and noncharacters (Unicode 16: Cc, Cf, Default_Ignorable,
# Noncharacter_Code_Point). Without what str.splitlines() and str.split() take for white space, and without ZWNJ.
_INVISIBLE_IN_BMP = (
    "\x01-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200d-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\ufffe\uffff"
)
_INVISIBLE = (
    _INVISIBLE_IN_BMP
    + "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
)
_TATWEEL = "\u0640"
_BRAILLE_BLANK = "\u2800"
_PRESENTATION_FORMS = "\ufb50-\ufbb1\ufbd3-\ufd3d\ufd50-\ufd8f\ufd92-\ufdc7\ufe70-\ufefc"
_REWRITTEN = f"{_TATWEEL}{_BRAILLE_BLANK}{_PRESENTATION_FORMS}٠-٩"
_ODD = re.compile(f"[{_INVISIBLE}{_REWRITTEN}]")
# The same and all beyond the BMP: a class with one range up there is compared by table, ten times as fast.
_SUSPECT = re.compile(f"[{_INVISIBLE_IN_BMP}{_REWRITTEN}\U00010000-\U0010ffff]")
_IGNORED = re.compile(f"[{_INVISIBLE}{_TATWEEL}]")
_ARABIC_DIGITS = {arabic: chr(0x06F0 + n) for n, arabic in enumerate("٠١٢٣٤٥٦٧٨٩")}


@lru_cache(maxsize=4096)
def _written(odd: str) -> str:
    """What stands for a character of ``_ODD``: a presentation form is the letters, or the marks, that it shows."""
    if _IGNORED.match(odd):
        return ""
    if odd == _BRAILLE_BLANK:
        return " "
    if odd in _ARABIC_DIGITS:
        return _ARABIC_DIGITS[odd]
    return _persian_letters(normalize("NFKC", odd)).replace(_TATWEEL, "").lstrip(" ")


def _persian_letters(text: str) -> str:
    return text.replace("ي", "ی").replace("ى", "ی").replace("ك", "ک")


_LETTER = "\u0620-\u063f\u0641-\u064a\u066e\u066f\u0671-\u06d3\u06d5\u06ee\u06ef\u06fa-\u06fc\u06ff\u0750-\u077f"
_MARK = "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
_REPEATED_ZWNJ = re.compile(f"{ZWNJ}{{2,}}")
_LOOSE_ZWNJ = re.compile(f"(?<![{_LETTER}{_MARK}]){ZWNJ}|{ZWNJ}(?![{_LETTER}])")
_BLANK_LINES = re.compile("\n{3,}")

# Marks in a row are sorted in quadratic time by NFC: 40,000 take a second. 30 is the limit of Unicode's Stream-Safe
# Text Format (UAX #15, D4). Beyond the BMP all characters are suspected first, for the speed of the class.
_MOST_MARKS = 30
_MARKS_IN_BMP = "".join(chr(point) for point in range(0x300, 0xFFFF) if combining(chr(point)))
_MARKS_IN_A_ROW = re.compile(f"[{_MARKS_IN_BMP}\U00010000-\U0010ffff]{{{_MOST_MARKS + 1},}}")


def _composed(text: str) -> str:
    _refuse_heaps_of_marks(text)
    composed = normalize("NFC", text)
    if composed != text:
        _refuse_heaps_of_marks(composed)  # a few marks are two by their decomposition
    return composed


def _refuse_heaps_of_marks(text: str) -> None:
    for suspect in _MARKS_IN_A_ROW.finditer(text):
        for marks, row in groupby(suspect[0], key=lambda one: combining(one) != 0):
            if marks and sum(1 for _ in row) > _MOST_MARKS:
                raise TextError("text_not_clean")


def canon(text: str, *, multiline: bool) -> str:
    """The text as it is kept: one spelling of each letter, nothing invisible. ``canon(canon(x)) == canon(x)``.

    - NFC; Arabic presentation forms become letters; ي and ى become ی, ك becomes ک, ۀ becomes هٔ (ISIRI 6219). ة and
      the forms of hamza stay, and so do vowel signs: they are part of names and quotations.
    - Digits keep their script, but for Arabic-Indic ones, which become Persian. Numbers that are compared go through
      ``to_latin`` or an identifier of their own.
    - Controls, format characters (bidi overrides, embeddings, isolates and marks; BOM, soft hyphen, zero-width space
      and joiner), variation selectors, tags and tatweel are removed. ZWNJ stays, once, between two letters of the
      Arabic script only.
    - White space becomes single spaces, none at the ends. With ``multiline`` line ends stay as ``\\n``, at most one
      line in a row empty; else they are spaces, too.

    The result may be empty. Raises TextError ``text_not_clean`` for NUL, lone surrogates and more than 30 combining
    marks in a row.
    """
    if _FORBIDDEN.search(text):
        raise TextError("text_not_clean")
    text = _persian_letters(_composed(text))
    if _SUSPECT.search(text):
        # what is removed may have stood between a letter and its mark
        text = _composed(_ODD.sub(lambda odd: _written(odd[0]), text))
    if ZWNJ in text:
        kept = _LOOSE_ZWNJ.sub("", _REPEATED_ZWNJ.sub(ZWNJ, text))
        text = text if kept == text else _composed(kept)
    if "ۀ" in text or "یٔ" in text:
        text = _composed(text.replace("ۀ", "هٔ").replace("یٔ", "ئ"))
    if not multiline:
        return " ".join(text.split())
    lines = "\n".join([" ".join(line.split()) for line in text.splitlines()])
    return _BLANK_LINES.sub("\n\n", lines).strip("\n")


class _Folding(dict[int, str]):
    """The folded form of each character met so far, for ``str.translate``."""

    def __missing__(self, point: int) -> str:
        folded = _fold_character(chr(point))
        if point < 0x10000:  # bounds what the table can grow to
            self[point] = folded
        return folded


# letters that look or sound alike to a Persian reader, beyond what a decomposition says
_SAME = {
    "ء": "",  # املاء and املا, اعضاء and اعضا
    "ٱ": "ا",
    "ة": "ه",
    "ۃ": "ه",
    "ھ": "ه",
    "ہ": "ه",
    "ە": "ه",
    "ي": "ی",
    "ى": "ی",
    "ې": "ی",
    "ۍ": "ی",
    "ێ": "ی",
    "ے": "ی",
    "ك": "ک",
    "ڪ": "ک",
    "ګ": "گ",
    "ۆ": "و",
    "ۇ": "و",
    "ۋ": "و",
    "ڵ": "ل",
    "ڕ": "ر",
    "ں": "ن",
    "٬": "",
    ZWNJ: " ",
}


def _fold_character(character: str) -> str:
    folded = character
    while (again := "".join(_fold_part(part) for part in normalize("NFKD", folded).casefold())) != folded:
        folded = again
    return folded


def _fold_part(part: str) -> str:
    if part in _SAME:
        return _SAME[part]
    digit = decimal(part, None)
    if digit is not None:
        return str(digit)
    kind = category(part)
    if kind[0] in "PSZ" or part.isspace():
        return " "
    return "" if kind in ("Mn", "Me", "Cc", "Cf", "Cs") or _IGNORED.match(part) else part


_FOLDED = _Folding()


def fold(text: str) -> str:
    """The text to search and classify by. ``fold(fold(x)) == fold(x)``; any string is taken, none raises.

    Compatibility forms and accents are dissolved (NFKD without marks), case is folded, digits are Latin; أ إ آ ٱ → ا,
    ؤ → و, ئ ي ى → ی, ك → ک, ة ۀ → ه, ء and tatweel go. ZWNJ, punctuation and symbols become spaces; words stand one
    space apart, none at the ends.
    """
    return " ".join(text.translate(_FOLDED).split())


def spaceless(text: str) -> str:
    """``fold`` without its spaces, for trigrams: «می‌شود», «می شود» and «میشود» are one."""
    return fold(text).replace(" ", "")
