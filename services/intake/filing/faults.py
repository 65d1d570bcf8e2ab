"""What can be wrong with a filing beyond its shape: codes of the contract, in plain Persian and English."""

from shared.kit.web.language import Text
from shared.kit.web.problems import FieldFault

MESSAGES = {
    # the door: text and identifiers
    "text_not_clean": Text("نویسه‌های نادرستی در متن است.", "The text holds characters that are not valid."),
    "national_id_invalid": Text(
        "کد ملی درست نیست؛ لطفاً ده رقم آن را بررسی کنید.",
        "This national code is not right; please check its 10 digits.",
    ),
    "mobile_invalid": Text(
        "شمارهٔ همراه درست نیست؛ نمونهٔ درست: ۰۹۱۲۳۴۵۶۷۸۹", "This is not an Iranian mobile number such as 09123456789."
    ),
    "postal_code_invalid": Text("کد پستی باید ده رقم باشد.", "A postal code has ten digits."),
    # what exists
    "unknown_province": Text("این استان شناخته نیست.", "There is no such province."),
    "unknown_county": Text("این شهرستان در این استان نیست.", "There is no such county in this province."),
    "unknown_category": Text("این موضوع در فهرست نیست.", "There is no such category."),
    "unknown_organisation": Text("این سازمان در فهرست نیست.", "There is no such organisation."),
    "too_many_attachments": Text(
        "پیوست‌های این پرونده به بیشترین شمار رسیده است.", "This case has as many files as it may have."
    ),
    # who may say what
    "mobile_is_that_of_the_login": Text(
        "شمارهٔ همراه همان است که با آن وارد شده‌اید؛ آن را نفرستید.",
        "Your number is the one you signed in with; please leave it out.",
    ),
    "channel_of_operators": Text("این راه ثبت ویژهٔ کارشناسان است.", "This channel is for operators only."),
    "channel_needed": Text(
        "راه ثبت را بنویسید: phone، in_person یا letter.", "Please name the channel: phone, in_person or letter."
    ),
}


def fault(pointer: str, code: str) -> FieldFault:
    """A fault at a place of the body; KeyError for a code that has no message."""
    return FieldFault(pointer, code, MESSAGES[code])
