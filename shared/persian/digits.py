"""Digits: stored in Latin script, shown in Persian."""

_LATIN = "0123456789"
_PERSIAN = "۰۱۲۳۴۵۶۷۸۹"
_ARABIC = "٠١٢٣٤٥٦٧٨٩"
_FULLWIDTH = "０１２３４５６７８９"

_TO_LATIN = {ord(digit): _LATIN[n] for script in (_PERSIAN, _ARABIC, _FULLWIDTH) for n, digit in enumerate(script)}
_TO_PERSIAN = {ord(digit): _PERSIAN[n] for script in (_LATIN, _ARABIC, _FULLWIDTH) for n, digit in enumerate(script)}

_LRM = "\u200e"
_MINUS = "\u2212"
_THOUSANDS = "\u066c"


def to_latin(text: str) -> str:
    """Persian, Arabic-Indic and fullwidth digits as Latin ones; all else, other scripts' digits too, untouched."""
    return text if text.isascii() else text.translate(_TO_LATIN)


def to_persian(text: str) -> str:
    """Latin, Arabic-Indic and fullwidth digits as Persian ones; all else untouched."""
    return text.translate(_TO_PERSIAN)


def group(number: int) -> str:
    """A whole number as a Persian reader expects it: ``1234567`` → ``۱٬۲۳۴٬۵۶۷``.

    A negative one begins with LRM and U+2212, which keeps the sign on the left of the digits in right-to-left text.
    """
    shown = to_persian(f"{abs(number):,}").replace(",", _THOUSANDS)
    return f"{_LRM}{_MINUS}{shown}" if number < 0 else shown
