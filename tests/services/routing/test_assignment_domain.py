"""Which department a case goes to: choice, rules, words, and when a person must decide."""

import orjson
import pytest

from services.routing.assignment.domain import Category, Filing, Recogniser, Rule, assign
from services.routing.seed import TAXONOMY

TAXONOMY_DEPARTMENTS = orjson.loads(TAXONOMY.read_bytes())["departments"]
RECOGNISER = Recogniser(
    Category(c["id"], d["id"], c["sla_days"], d["pipeline"], tuple(c["keywords_fa"]))
    for d in TAXONOMY_DEPARTMENTS
    for c in d["categories"]
)


def filing(
    subject: str, body: str, category_id: str | None = None, *, kind: str = "complaint", province: str = "IR-23"
) -> Filing:
    return Filing(kind, province, subject, body, category_id, None)


def test_the_citizen_s_choice_decides_at_once() -> None:
    known = {c["id"]: d["id"] for d in TAXONOMY_DEPARTMENTS for c in d["categories"]}
    first = next(id for id, department in known.items() if department == "behzisti")
    chosen = assign(filing("هر چه", "متنی بی‌نشان", first), [], RECOGNISER)
    assert (chosen.method, chosen.department_id, chosen.category_id) == ("citizen", "behzisti", first)


def test_the_first_rule_that_matches_decides_over_the_choice() -> None:
    rules = [
        Rule("khuzestan's floods", province="IR-06", words=("سیل",), to_department_id="hq"),
        Rule("all suggestions", kind="suggestion", to_department_id="hq"),
    ]
    case = filing("خسارت سیل", "سیل خانهٔ ما را برد", "sso-insurance.missing-record", province="IR-06")
    assert assign(case, rules, RECOGNISER).rule == "khuzestan's floods"
    elsewhere = assign(filing("خسارت سیل", "سیل", "sso-insurance.missing-record"), rules, RECOGNISER)
    assert elsewhere.method == "citizen"


def test_words_decide_alone_only_when_they_clearly_speak_for_one_department() -> None:
    clear = assign(filing("کسری سابقه", "ریز سوابق و لیست بیمه ناقص است"), [], RECOGNISER)
    assert (clear.method, clear.department_id) == ("rule", "sso-insurance")
    assert clear.top[0].reasons
    nothing = assign(filing("سلام", "لطفاً رسیدگی کنید"), [], RECOGNISER)
    assert (nothing.method, nothing.department_id, nothing.top) == ("triage", None, ())


def test_all_spellings_of_a_word_are_recognised() -> None:
    spellings = ["سابقهٔ بیمه", "سابقه بیمه", "سابقه‌بیمه", "سابقه بيمه"]
    assert len({assign(filing(f"کسری {word}", "لیست بیمه"), [], RECOGNISER).category_id for word in spellings}) == 1


@pytest.mark.parametrize("text", ["رشوه خواست", "گفت یه شیرینی بده، پول خواست", "زیرمیزی گرفتند"])
def test_what_smells_of_corruption_goes_to_restricted_triage(text: str) -> None:
    told = assign(filing(text, text), [], RECOGNISER)
    assert (told.method, told.department_id, told.restricted) == ("triage", None, True)


def test_a_category_of_corruption_is_never_routed_to_a_department() -> None:
    told = assign(filing("موضوع", "متن", "integrity.bribery"), [Rule("all", to_department_id="hq")], RECOGNISER)
    assert (told.department_id, told.restricted) == (None, True)
