"""What can be wrong with a report beyond its shape: codes of the contract, in plain Persian and English."""

from shared.kit.web.language import Text
from shared.kit.web.problems import FieldFault, ProblemType

MESSAGES = {
    "text_not_clean": Text("نویسه‌های نادرستی در متن است.", "The text holds characters that are not valid."),
    "mobile_invalid": Text(
        "شمارهٔ همراه درست نیست؛ نمونهٔ درست: ۰۹۱۲۳۴۵۶۷۸۹", "This is not an Iranian mobile number such as 09123456789."
    ),
    "amount_invalid": Text("مبلغ را به ریال و با رقم بنویسید.", "Please give the amount in rial, in digits."),
    "unknown_province": Text("این استان شناخته نیست.", "There is no such province."),
    "unknown_organisation": Text("این سازمان در فهرست نیست.", "There is no such organisation."),
    "unknown_upload": Text(
        "این پیوست پیدا نشد؛ لطفاً دوباره بارگذاری کنید.", "There is no such upload; please send it again."
    ),
    "required": Text("این مورد لازم است.", "This is required."),
    "contact_not_for_anonymous": Text(
        "گزارش ناشناس نام و شماره ندارد؛ آن را نفرستید.", "An anonymous report has no contact; please leave it out."
    ),
    "plain_or_sealed": Text(
        "همهٔ متن گزارش باید یا ساده باشد یا مهروموم‌شده.", "The content comes either all plain or all sealed."
    ),
    "sealing_needed": Text(
        "برای گزارش مهروموم‌شده، کلیدها (sealing) لازم است.", "A sealed report needs its keys (sealing)."
    ),
    "report_id_not_random": Text(
        "شناسهٔ گزارش باید UUID تصادفی (نسخهٔ ۴) باشد.", "A report's reference is a random UUID (version 4)."
    ),
    "not_age": Text("این فایل age در base64 نیست.", "This is not an age file in base64."),
    "recipient_invalid": Text("این کلید عمومی age (age1…) درست نیست.", "This is not a public age key (age1…)."),
    "shares_incomplete": Text(
        "سهم‌های کلید کامل نیست؛ نمونهٔ آن در GET /v1/reports/keys است.",
        "The shares of the key are not complete; GET /v1/reports/keys says what they must be.",
    ),
}


def fault(pointer: str, code: str) -> FieldFault:
    """A fault at a place of the body; KeyError for a code that has no message."""
    return FieldFault(pointer, code, MESSAGES[code])


KEYS_CHANGED = ProblemType(
    "keys-changed",
    409,
    Text("کلیدهای بازرسان عوض شده است", "The keys to seal to have changed"),
    Text(
        "لطفاً GET /v1/reports/keys را دوباره بخوانید و گزارش را از نو مهروموم کنید.",
        "Please read GET /v1/reports/keys again and seal the report anew.",
    ),
)
CODE_TAKEN = ProblemType(
    "receipt-code-taken",
    409,
    Text("این رمز رسید پذیرفته نیست", "This receipt code cannot be used"),
    Text("لطفاً رمز رسید تازه‌ای بسازید و دوباره بفرستید.", "Please make a new receipt code and send it again."),
)
"""Locators are short, and the one a client drew may be another report's already."""
