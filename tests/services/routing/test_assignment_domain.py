"""Which department a case goes to: rules, choice, classifier, and when a person must decide."""

from dataclasses import replace

import orjson
import pytest

from services.routing.assignment.domain import CONDUCT, Assignment, Category, Filing, Rule, assign, hinted
from services.routing.classify.examples import TAXONOMY
from services.routing.classify.opinion import Guess, Opinion

DEPARTMENTS = orjson.loads(TAXONOMY.read_bytes())["departments"]
CATEGORIES = {
    c["id"]: Category(c["id"], d["id"], d["pipeline"], d["body_id"]) for d in DEPARTMENTS for c in d["categories"]
}
RECORD, DELAY, BRIBE = "sso-insurance.missing-record", "hq.delay-referral", "integrity.bribery"


def filing(category_id: str | None = None, **changes: str) -> Filing:
    given = {"kind": "complaint", "province": "IR-23", "subject": "موضوع", "body": "متن", "organisation_id": None}
    return Filing(category_id=category_id, **{**given, **changes})  # type: ignore[arg-type]


def opinion(*top: str, sure: bool = True, corruption: float = 0.0, second: str | None = None) -> Opinion:
    guesses = tuple(
        Guess(id, id.split(".")[0], score, ("واژه",)) for id, score in zip(top, (0.9, 0.06, 0.02), strict=False)
    )
    return Opinion(guesses, sure, corruption, corruption >= 0.2, second, "cold-test", "00")


def decided(case: Filing, model: Opinion, *rules: Rule) -> Assignment:
    return assign(case, rules, CATEGORIES, model)


def test_the_citizen_s_choice_decides_at_once_whatever_the_classifier_says() -> None:
    chosen = decided(filing("behzisti.assessment"), opinion(RECORD))
    assert (chosen.method, chosen.department_id, chosen.category_id) == ("citizen", "behzisti", "behzisti.assessment")
    assert chosen.second_category_id == RECORD


def test_the_first_rule_that_matches_decides_over_the_choice() -> None:
    rules = [
        Rule("khuzestan's floods", province="IR-06", words=("سیل",), to_department_id="hq"),
        Rule("all suggestions", kind="suggestion", to_department_id="hq"),
    ]
    flood = filing(RECORD, subject="خسارت سیل", province="IR-06")
    assert decided(flood, opinion(RECORD), *rules).rule == "khuzestan's floods"
    assert decided(filing(RECORD, subject="خسارت سیل"), opinion(RECORD), *rules).method == "citizen"


def test_the_classifier_decides_only_when_it_is_sure() -> None:
    sure = decided(filing(), opinion(RECORD, DELAY))
    assert (sure.method, sure.department_id, sure.category_id) == ("classifier", "sso-insurance", RECORD)
    assert sure.confidence == 0.9
    doubtful = decided(filing(), opinion(RECORD, DELAY, sure=False))
    assert (doubtful.method, doubtful.department_id, len(doubtful.top)) == ("triage", None, 2)
    rule = Rule("records of Tehran", category_id=RECORD, province="IR-23", to_department_id="hq")
    assert decided(filing(), opinion(RECORD), rule).department_id == "hq"


def test_a_category_out_of_use_is_not_guessed_and_one_that_moved_goes_where_it_is_now() -> None:
    others = {id: category for id, category in CATEGORIES.items() if id != RECORD}
    assert assign(filing(), [], others, opinion(RECORD, DELAY)).top[0].category_id == DELAY
    assert assign(filing(), [], others, opinion(RECORD, DELAY)).method == "triage"
    moved = {**CATEGORIES, RECORD: replace(CATEGORIES[RECORD], department_id="hq")}
    assert assign(filing(), [], moved, opinion(RECORD)).department_id == "hq"


@pytest.mark.parametrize(
    ("case", "model", "rules"),
    [
        (filing(), opinion(BRIBE, corruption=0.9), []),
        (filing(), opinion(RECORD, corruption=0.25), []),
        (filing(RECORD), opinion(RECORD, corruption=0.6), []),
        (filing(BRIBE), opinion(RECORD), []),
        (filing(BRIBE), opinion(RECORD), [Rule("all", to_department_id="hq")]),
        (filing(), opinion(RECORD), [Rule("words", words=("متن",), to_category_id=BRIBE)]),
        (filing(), opinion(BRIBE, corruption=0.9), [Rule("all", to_department_id="hq")]),
    ],
)
def test_what_is_or_smells_of_corruption_goes_to_restricted_triage(
    case: Filing, model: Opinion, rules: list[Rule]
) -> None:
    told = decided(case, model, *rules)
    assert (told.method, told.department_id, told.restricted) == ("triage", None, True)


def test_a_faint_smell_does_not_hold_up_who_chose_a_category() -> None:
    assert decided(filing(RECORD), opinion(RECORD, corruption=0.25)).method == "citizen"


def test_a_complaint_about_conduct_never_goes_to_those_complained_about() -> None:
    told = decided(filing(organisation_id="sso"), opinion(CONDUCT))
    assert told.department_id == "hq"
    everything_to_sso = Rule("all of SSO", organisation_id="sso", to_department_id="sso-insurance")
    assert decided(filing(organisation_id="sso"), opinion(CONDUCT), everything_to_sso).department_id == "hq"
    assert decided(filing("sso-medical.hospital", organisation_id="sso"), opinion(CONDUCT)).department_id == "hq"
    both = decided(filing("sso-medical.hospital"), opinion(CONDUCT, "sso-medical.hospital"))
    assert (both.department_id, both.second_category_id) == ("sso-medical", CONDUCT)
    insurance = decided(filing(organisation_id="sso"), opinion(RECORD))
    assert insurance.department_id == "sso-insurance"


@pytest.mark.parametrize("changes", [{"organisation_id": "hq"}, {"body": "کارمند وزارتخانه به من توهین کرد"}])
@pytest.mark.parametrize("chosen", [None, CONDUCT])
def test_conduct_of_the_very_office_for_it_is_the_centre_s(changes: dict[str, str], chosen: str | None) -> None:
    told = decided(filing(chosen, **changes), opinion(CONDUCT))
    assert (told.method, told.department_id, told.restricted) == ("triage", None, False)


def test_a_second_topic_is_kept() -> None:
    assert decided(filing(), opinion(RECORD, second=DELAY)).second_category_id == DELAY
    assert decided(filing(), opinion(RECORD, second=RECORD)).second_category_id is None
    assert decided(filing(), opinion(RECORD, second=BRIBE)).second_category_id is None


def test_a_category_that_the_model_has_not_learnt_yet_is_hinted_at_by_its_keywords() -> None:
    new = Category("tvto.green", "tvto", "zrm", keywords=("مهارت سبز", "پنل خورشیدی"))
    newer = Category("tvto.robots", "tvto", "zrm", keywords=("ربات",))
    categories = {**CATEGORIES, new.id: new, newer.id: newer}
    case = filing(body="دورهٔ مهارت‌ سبز و نصب پنل خورشیدی با ربات را می‌خواهم")
    told = hinted(case, categories, CATEGORIES, opinion(RECORD, DELAY, BRIBE))
    assert ([guess.category_id for guess in told.top], told.sure) == ([RECORD, DELAY, new.id], False)
    assert (told.top[2].score, told.top[2].reasons) == (0.0, ("مهارت سبز", "پنل خورشیدی"))
    for known, body in ((categories, case.body), (CATEGORIES, "رباتیک")):
        same = opinion(RECORD, DELAY, BRIBE)
        assert hinted(filing(body=body), categories, known, same) == same
