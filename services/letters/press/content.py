"""What stands in a letter: plain values, made ready for the page (digits, dates, isolated Latin runs)."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.contracts.envelope import CaseKind, Language, Outcome
from shared.persian.bidi import FSI, PDI, has_persian, isolate
from shared.persian.calendar import jalali, jalali_long
from shared.persian.digits import to_persian
from shared.persian.text import TextError, canon

OUTCOMES: dict[Outcome, tuple[str, str]] = {
    "upheld": ("شکایت وارد دانسته شد", "The complaint was upheld"),
    "partly_upheld": ("بخشی از شکایت وارد دانسته شد", "The complaint was upheld in part"),
    "not_upheld": ("شکایت وارد دانسته نشد", "The complaint was not upheld"),
    "answered": ("به درخواست پاسخ داده شد", "The request was answered"),
    "accepted": ("درخواست یا پیشنهاد پذیرفته شد", "The request or proposal was accepted"),
    "out_of_remit": ("موضوع در صلاحیت این وزارتخانه نیست", "The matter is outside the ministry's remit"),
}
KINDS: dict[CaseKind, tuple[str, str]] = {
    "complaint": ("شکایت", "complaint"),
    "request": ("درخواست", "request"),
    "suggestion": ("پیشنهاد", "suggestion"),
}


class UnrenderableText(Exception):
    """The letter holds a character that our font has no shape for; an archive may not hold a box in its place."""


@dataclass(frozen=True)
class LogRoot:
    """What the transparency log says of a day of all cases: the day's leaf is at ``index`` (from 0), and the log's root
    was ``root`` (32 bytes) when it had ``size`` leaves."""

    day: date
    index: int
    size: int
    root: bytes

    def record(self) -> dict[str, Any]:
        """For machines: the day in both calendars, the root in hex."""
        return {
            "day": self.day.isoformat(),
            "day_jalali": jalali(self.day),
            "index": self.index,
            "size": self.size,
            "root": self.root.hex(),
        }


@dataclass(frozen=True)
class Letter:
    """A letter's facts. Dates are days in Tehran; ``number`` has Latin digits; ``body`` is the officer's text,
    paragraphs parted by line breaks; ``address`` the lines of the address; ``code`` the verification code as it is
    printed; ``log`` the newest day of the log, None before there is one."""

    number: str
    issued_on: date
    language: Language
    recipient: str
    address: tuple[str, ...]
    kind: CaseKind
    tracking_code: str
    registered_on: date
    decided_on: date
    department: str
    signatory: str
    outcome: Outcome
    body: str
    code: str
    verify_url: str
    log: LogRoot | None

    def page(self) -> dict[str, Any]:
        """The values as the template sets them: digits of the language, foreign runs isolated, endless words made to
        break. Raises ``UnrenderableText`` for what is no text (NUL, half a surrogate pair, heaps of marks)."""
        fa = self.language == "fa"
        word = 0 if fa else 1
        return {
            "language": self.language,
            "issued": [self.issued_on.year, self.issued_on.month, self.issued_on.day],
            "number": to_persian(self.number) if fa else self.number,
            "date": to_persian(jalali(self.issued_on).replace("-", "/")) if fa else _english(self.issued_on),
            "recipient": _line(self.recipient),
            "address": [_line(line) for line in self.address],
            "kind": KINDS[self.kind][word],
            "tracking_code": self.tracking_code,
            "registered_on": self._day(self.registered_on),
            "decided_on": self._day(self.decided_on),
            "department": _line(self.department),
            "signatory": _line(self.signatory),
            "outcome": OUTCOMES[self.outcome][word],
            "paragraphs": _paragraphs(self.body),
            "code": self.code,
            "verify_url": self.verify_url,
            "log": self._log(self.log) if self.log else None,
        }

    def record(self) -> dict[str, Any]:
        """The letter for machines, attached to the PDF as ``letter.json``: text extraction of Persian is unreliable.
        Dates are Gregorian, ISO 8601, but for the one that says otherwise."""
        return {
            "number": self.number,
            "issued_on": self.issued_on.isoformat(),
            "issued_on_jalali": jalali(self.issued_on),
            "language": self.language,
            "tracking_code": self.tracking_code,
            "kind": self.kind,
            "registered_on": self.registered_on.isoformat(),
            "decided_on": self.decided_on.isoformat(),
            "outcome": self.outcome,
            "department": self.department,
            "signatory": self.signatory,
            "body": self.body,
            "code": self.code,
            "verify_url": self.verify_url,
            "log": self.log.record() if self.log else None,
        }

    def _log(self, log: LogRoot) -> dict[str, Any]:
        digits = to_persian if self.language == "fa" else str
        hexadecimal = log.root.hex()
        return {
            "day": self._day(log.day),
            "index": digits(str(log.index)),
            "size": digits(str(log.size)),
            "root": [hexadecimal[at : at + _GROUP] for at in range(0, len(hexadecimal), _GROUP)],
        }

    def _day(self, day: date) -> str:
        return jalali_long(day) if self.language == "fa" else _english(day)


# a hash is printed in groups of so many digits, to be compared by eye
_GROUP = 8

# named here, not by strftime, which speaks the machine's language
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

# shapes of bullets, Word's among them, that our font has not: the same sign in another's hand
_BULLETS = str.maketrans(dict.fromkeys("●○◦▪▫■□◆◇\uf0b7\uf0a7", "•"))

_BREAK = "\u200b"
_ENDLESS_IN_LINE = re.compile(r"\S{25,}")
_ENDLESS_IN_BODY = re.compile(r"\S{60,}")
_PIECE = re.compile(r"\S{1,6}")


def _english(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _line(text: str) -> str:
    """One line of a name or an address, which goes its own way in a page of either direction."""
    return f"{FSI}{_breakable(_clean(text, multiline=False), _ENDLESS_IN_LINE)}{PDI}"


def _paragraphs(body: str) -> list[dict[str, Any]]:
    parts = [part for part in _clean(body, multiline=True).split("\n") if part]
    # a paragraph without any Persian letter reads from the left in a Persian letter, too
    return [{"text": _breakable(part, _ENDLESS_IN_BODY), "rtl": has_persian(part)} for part in parts]


def _clean(text: str, *, multiline: bool) -> str:
    try:
        return canon(text, multiline=multiline).translate(_BULLETS)
    except TextError:
        raise UnrenderableText from None


def _breakable(text: str, endless: re.Pattern[str]) -> str:
    """The text with places to break in words that would run over the margin; and with its Latin runs isolated."""
    return endless.sub(lambda word: _PIECE.sub(lambda piece: piece[0] + _BREAK, word[0]), isolate(text))
