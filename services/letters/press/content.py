"""What stands in a letter: plain values, made ready for the page (digits, dates, isolated Latin runs)."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.contracts.envelope import CaseKind, Language, Outcome
from shared.persian.bidi import isolate
from shared.persian.calendar import jalali, jalali_long
from shared.persian.digits import to_persian

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


@dataclass(frozen=True)
class Letter:
    """A letter's facts. Dates are days in Tehran; ``body`` is the officer's text, paragraphs parted by line breaks;
    ``address`` the lines of the address; ``code`` the verification code as it is printed."""

    number: str
    issued_on: date
    language: Language
    recipient: str
    address: tuple[str, ...]
    kind: CaseKind
    tracking_code: str
    registered_on: date
    department: str
    signatory: str
    outcome: Outcome
    body: str
    code: str
    verify_url: str

    def page(self) -> dict[str, Any]:
        """The values as the template sets them: digits of the language, foreign runs isolated."""
        fa = self.language == "fa"
        word = 0 if fa else 1
        return {
            "language": self.language,
            "issued": [self.issued_on.year, self.issued_on.month, self.issued_on.day],
            "number": to_persian(self.number) if fa else self.number,
            "date": to_persian(jalali(self.issued_on).replace("-", "/")) if fa else f"{self.issued_on:%d %B %Y}",
            "recipient": isolate(self.recipient),
            "address": [isolate(line) for line in self.address],
            "kind": KINDS[self.kind][word],
            "tracking_code": self.tracking_code,
            "registered_on": jalali_long(self.registered_on) if fa else f"{self.registered_on:%d %B %Y}",
            "department": isolate(self.department),
            "signatory": isolate(self.signatory),
            "outcome": OUTCOMES[self.outcome][word],
            "paragraphs": [isolate(part) for part in self.body.split("\n") if part.strip()],
            "code": self.code,
            "verify_url": self.verify_url,
        }

    def record(self) -> dict[str, Any]:
        """The letter for machines, attached to the PDF as ``letter.json``: text extraction of Persian is unreliable."""
        return {
            "number": self.number,
            "issued_on": self.issued_on.isoformat(),
            "issued_on_jalali": jalali(self.issued_on),
            "tracking_code": self.tracking_code,
            "kind": self.kind,
            "outcome": self.outcome,
            "department": self.department,
            "body": self.body,
            "verify_url": self.verify_url,
        }
