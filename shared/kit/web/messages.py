"""What clients are told about a field, by code."""

from collections.abc import Mapping
from typing import Final

from shared.kit.web.language import Text

# code → message; {limit} is filled from the schema's own limit
MESSAGES: Final[Mapping[str, Text]] = {
    "required": Text("این مورد لازم است.", "This is required."),
    "unknown_field": Text("این مورد شناخته نیست.", "This field is not known."),
    "not_text": Text("باید متن باشد.", "It must be text."),
    "not_unicode": Text("نویسه‌های نادرستی در متن است.", "The text holds characters that are not valid."),
    "too_short": Text("دست‌کم {limit} نویسه لازم است.", "At least {limit} characters are needed."),
    "too_long": Text("نباید از {limit} نویسه بیشتر باشد.", "At most {limit} characters are allowed."),
    "too_few": Text("دست‌کم {limit} مورد لازم است.", "At least {limit} items are needed."),
    "too_many": Text("نباید از {limit} مورد بیشتر باشد.", "At most {limit} items are allowed."),
    "bad_format": Text("شکل آن درست نیست.", "Its format is not right."),
    "not_integer": Text("باید عدد صحیح باشد.", "It must be a whole number."),
    "not_number": Text("باید عدد باشد.", "It must be a number."),
    "out_of_range": Text("این عدد بیش از اندازه بزرگ است.", "This number is out of range."),
    "too_many_digits": Text("رقم‌های آن بیش از اندازه است.", "It has too many digits."),
    "must_exceed": Text("باید از {limit} بیشتر باشد.", "It must be greater than {limit}."),
    "too_small": Text("نباید از {limit} کمتر باشد.", "It must be {limit} or more."),
    "must_be_below": Text("باید از {limit} کمتر باشد.", "It must be less than {limit}."),
    "too_large": Text("نباید از {limit} بیشتر باشد.", "It must be {limit} or less."),
    "not_multiple": Text("باید مضربی از {limit} باشد.", "It must be a multiple of {limit}."),
    "not_boolean": Text("باید true یا false باشد.", "It must be true or false."),
    "not_allowed": Text("باید یکی از این‌ها باشد: {limit}", "It must be one of: {limit}"),
    "must_be_null": Text("باید خالی (null) باشد.", "It must be null."),
    "not_object": Text("باید یک شیء JSON باشد.", "It must be a JSON object."),
    "not_list": Text("باید یک فهرست باشد.", "It must be a list."),
    "not_date": Text("باید تاریخ میلادی به شکل YYYY-MM-DD باشد.", "It must be a date as YYYY-MM-DD."),
    "not_time": Text("باید ساعت به شکل HH:MM:SS باشد.", "It must be a time as HH:MM:SS."),
    "not_datetime": Text(
        "باید زمانی به شکل RFC 3339 باشد، مانند 2025-12-09T08:30:00Z.",
        "It must be a time of RFC 3339, such as 2025-12-09T08:30:00Z.",
    ),
    "timezone_required": Text("منطقهٔ زمانی را هم بنویسید.", "The time zone must be given."),
    "not_duration": Text("باید مدتی به شکل ISO 8601 باشد.", "It must be a duration of ISO 8601."),
    "must_be_past": Text("باید در گذشته باشد.", "It must be in the past."),
    "must_be_future": Text("باید در آینده باشد.", "It must be in the future."),
    "not_identifier": Text("شناسهٔ درستی نیست.", "It is not a valid identifier."),
    "not_url": Text("نشانی وب درستی نیست.", "It is not a valid URL."),
    "malformed_json": Text("JSON درستی نیست.", "It is not valid JSON."),
    "too_deep": Text("بیش از اندازه تودرتو است.", "It is nested too deeply."),
    "nul_character": Text("نویسهٔ NUL پذیرفته نیست.", "The character NUL is not accepted."),
    "invalid": Text("پذیرفته نیست. لطفاً آن را بررسی کنید.", "It is not valid. Please check it."),
}
