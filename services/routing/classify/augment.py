"""Another way of writing the same: slips of the keyboard, lost spaces, spoken forms, greetings, and often a complaint
of how the matter was handled, beside which the matter stays what the text is about. Deterministic."""

import random
import re
from collections.abc import Iterator, Sequence

from services.routing.classify.examples import Example

_SAME_SOUND = [set("زذضظ"), set("سصث"), set("تط"), set("هح"), set("قغ"), set("اع")]
_NEIGHBOURS = ("ضصثقفغعهخحجچ", "شسیبلاتنمکگ", "ظطزرذدپو")
_SPOKEN = [
    (r"می‌?شود\b", "میشه"),
    (r"نمی‌?دهند\b", "نمیدن"),
    (r"نمی‌?دهد\b", "نمیده"),
    (r"نمی‌?کنند\b", "نمیکنن"),
    (r"نمی‌?شود\b", "نمیشه"),
    (r"می‌?کنند\b", "میکنن"),
    (r"می‌?گویند\b", "میگن"),
    (r"می‌?گیرند\b", "میگیرن"),
    (r"می‌?خواهم\b", "میخوام"),
    (r"\bرا\b", "رو"),
    (r"\bآن\b", "اون"),
    (r"\bنان\b", "نون"),
    (r"\bخانه\b", "خونه"),
    (r"\bاگر\b", "اگه"),
    (r"\bدیگر\b", "دیگه"),
    (r"\bچگونه\b", "چجوری"),
    (r"نکرده‌?اند\b", "نکردن"),
    (r"کرده‌?اند\b", "کردن"),
    (r"نداده‌?اند\b", "ندادن"),
    (r"شده است\b", "شده"),
    (r"نشده است\b", "نشده"),
]
_GREETINGS = (
    "سلام",
    "سلام علیکم",
    "با سلام و احترام",
    "سلام خسته نباشید",
    "احتراماً به استحضار می‌رساند",
    "با عرض سلام خدمت مسئولین محترم وزارت تعاون کار و رفاه اجتماعی",
    "سلام وقت بخیر",
    "جناب آقای وزیر",
    "مسئول محترم",
    "ببخشید مزاحم میشم",
)
_CLOSINGS = (
    "لطفا رسیدگی کنید",
    "خواهشمند است دستور پیگیری صادر فرمایید",
    "تو رو خدا رسیدگی کنید",
    "با تشکر",
    "ممنون میشم جواب بدید",
    "خدا خیرتون بده",
    "شکایت دارم",
    "خواستار رسیدگی فوری هستم",
    "کی جوابگوست",
    "دیگه خسته شدم",
)
DELAY, CONDUCT, ESERVICES = "hq.delay-referral", "hq.staff-conduct", "hq.eservices"
HANDLING = (DELAY, CONDUCT, ESERVICES)
"""How a matter was handled: the second topic of a text that has a matter, its topic if it has none."""

_HANDLED = (
    ("هر بار می‌روم می‌گویند فردا بیا", DELAY),
    ("زنگ میزنم کسی جواب نمیده", DELAY),
    ("چند ماهه پیگیرم و هیچ جوابی نمیدن", DELAY),
    ("از این اداره به اون اداره پاسکاری میشم", DELAY),
    ("هیچ‌کس پاسخگو نیست و سرگردانم", DELAY),
    ("امروز و فردا می‌کنند", DELAY),
    ("کارشناس گفت به من ربطی نداره", DELAY),
    ("نامه زدم و جوابی نیامده", DELAY),
    ("هر دفعه یک بهانه می‌آورند و معطلم می‌کنند", DELAY),
    ("کارمند شعبه هم با بی‌احترامی جوابم را داد", CONDUCT),
    ("مسئولش بد برخورد کرد و داد زد", CONDUCT),
    ("کارشناس توهین کرد", CONDUCT),
    ("با تحقیر و مسخره جواب دادند", CONDUCT),
    ("خانم باجه سرم داد زد", CONDUCT),
    ("سایت هم خطا میده و باز نمیشه", ESERVICES),
    ("کد تایید پیامک نمیشه که وارد سامانه بشم", ESERVICES),
    ("سامانه هم قطع است", ESERVICES),
    ("اپلیکیشن ارور میده", ESERVICES),
)
_HANDLED_SHARE = 0.75
_SHORT = 90
"""Characters of a complaint of handling that can stand beside a matter."""


def augmented(examples: Sequence[Example], seed: int = 5311) -> Iterator[Example]:
    """Each example once more, rewritten as people write; most of those about a single matter then also complain of how
    it was handled, in the words of the examples that are about that alone. The same examples give the same ones."""
    handled = {
        name: [phrase for phrase, said in _HANDLED if said == name]
        + [one.text for one in examples if one.category == name and not one.second and len(one.text) <= _SHORT]
        for name in HANDLING
    }
    for example in examples:
        dice = random.Random(f"{seed} {example.text}")  # noqa: S311
        text, second = example.text, example.second
        if not second and not example.category.startswith(("hq.", "integrity.")) and dice.random() < _HANDLED_SHARE:
            second = dice.choice(HANDLING)
            parts = [text, dice.choice(handled[second])]
            dice.shuffle(parts)
            text = dice.choice(("، ", ". ", " ", " و ")).join(parts)
        text = _spoken(text) if dice.random() < 0.5 else text
        text = _slipped(_unspaced(text, dice), dice)
        yield Example(_framed(text, dice), example.category, second)


def _spoken(text: str) -> str:
    for pattern, said in _SPOKEN:
        text = re.sub(pattern, said, text)
    return text


def _unspaced(text: str, dice: random.Random) -> str:
    """Half-spaces become spaces or nothing; now and then a space is lost."""
    out = []
    for character in text:
        if character == "\u200c":
            out.append(dice.choice((" ", "")))
        elif character != " " or dice.random() > 0.04:
            out.append(character)
    return "".join(out)


def _slipped(text: str, dice: random.Random) -> str:
    """About one letter in fifty is wrong, missing, doubled or in its neighbour's place."""
    letters = list(text)
    for at in range(len(letters) - 1):
        letter = letters[at]
        if not letter.isalpha() or dice.random() > 0.02:
            continue
        slip = dice.randrange(4)
        if slip == 0:
            letters[at], letters[at + 1] = letters[at + 1], letter
        elif slip == 1:
            letters[at] = ""
        elif slip == 2:
            letters[at] = letter * 2
        else:
            letters[at] = _mistaken(letter, dice)
    return "".join(letters)


def _mistaken(letter: str, dice: random.Random) -> str:
    for sound in _SAME_SOUND:
        if letter in sound:
            return dice.choice(sorted(sound - {letter}))
    for row in _NEIGHBOURS:
        if letter in row:
            at = row.index(letter)
            return row[max(0, at - 1)] if dice.random() < 0.5 else row[min(len(row) - 1, at + 1)]
    return letter


def _framed(text: str, dice: random.Random) -> str:
    before = dice.choice(_GREETINGS) + " " if dice.random() < 0.3 else ""
    after = " " + dice.choice(_CLOSINGS) if dice.random() < 0.3 else ""
    return f"{before}{text}{after}"
