"""What people write: the taxonomy's examples in many voices."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from random import Random

import orjson

from shared.persian.calendar import MONTHS
from shared.persian.text import fold

TAXONOMY = Path(__file__).resolve().parents[2] / "services" / "routing" / "data" / "taxonomy.json"

_OPENINGS = (
    "با سلام و احترام،",
    "سلام، خسته نباشید.",
    "به نام خدا. با سلام خدمت مسئولان محترم،",
    "باسلام",
    "سلام. خواهش می‌کنم رسیدگی کنید.",
    "جناب آقای وزیر،",
    "",
)
_DETAILS = (
    "چند بار به {place} رفته‌ام و هر بار گفته‌اند پیگیری می‌کنیم.",
    "از {month} پارسال تا امروز منتظرم و کسی پاسخ نمی‌دهد.",
    "کارمند {place} گفت سامانه قطع است و بروید هفتهٔ دیگر بیایید.",
    "همهٔ مدارک را در {month} تحویل {place} داده‌ام.",
    "تلفن {place} را هم کسی جواب نمی‌دهد.",
    "من سرپرست خانواده‌ام و {n} فرزند دارم و از پس هزینه‌ها برنمی‌آیم.",
    "این موضوع برای {n} نفر از همکارانم هم پیش آمده است.",
)
_CLOSINGS = (
    "لطفاً دستور رسیدگی بدهید.",
    "ممنون می‌شوم زودتر نتیجه را خبر دهید.",
    "با تشکر",
    "خواهشمندم موضوع را بررسی و پاسخ کتبی بدهید.",
    "خدا خیرتان بدهد، کمکم کنید.",
    "در صورت رسیدگی نشدن ناچارم به بازرسی شکایت کنم.",
)
_PLACES = ("شعبه", "ادارهٔ کل", "کارگزاری", "دفتر پیشخوان", "ادارهٔ شهرستان", "شعبهٔ ۲", "شعبهٔ ۵", "ادارهٔ مرکزی استان")


def examples() -> Mapping[str, Sequence[str]]:
    """The taxonomy's examples by category."""
    departments = orjson.loads(TAXONOMY.read_bytes())["departments"]
    return {c["id"]: c["examples_fa"] for department in departments for c in department["categories"]}


def written(chance: Random, about: str, kinds: Sequence[str]) -> tuple[str, list[str]]:
    """A subject, and the parts of a text: ``about`` is the category's name, ``kinds`` its examples."""
    parts = [chance.choice(_OPENINGS), chance.choice(kinds)]
    for detail in chance.sample(_DETAILS, chance.randrange(1, 4)):
        parts.append(
            detail.format(place=chance.choice(_PLACES), month=chance.choice(MONTHS), n=chance.choice("۲۳۴۵۶۷"))
        )
    parts.append(chance.choice(_CLOSINGS))
    return about, [part for part in parts if part]


@lru_cache(maxsize=100_000)
def folded(part: str) -> str:
    """``fold`` of a part, remembered: most sentences come many times."""
    return fold(part)
