import re
from collections import Counter
from collections.abc import Callable
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.persian.digits import to_persian
from shared.persian.identifiers import (
    CROCKFORD,
    IdentifierError,
    display_mobile,
    mobile,
    national_id,
    new_tracking_code,
    postal_code,
    tracking_code,
)

VALID_NATIONAL_IDS = ["0499370899", "0790419904", "0084575948", "0000000019", "9999999980"]

# what copying, dictating and Persian keyboards add to a number
decoration = st.text(st.sampled_from(" -\u00a0\t\u200c\u200e\u200f\u202a\u202c\u2066\u2069\ufeff–"), max_size=3)


def is_code(text: str) -> bool:
    try:
        tracking_code(text)
    except IdentifierError:
        return False
    return True


def completed(ten: str) -> str:
    [code] = [ten + check for check in CROCKFORD if is_code(ten + check)]
    return code


codes = st.text(st.sampled_from(CROCKFORD), min_size=10, max_size=10).map(completed)


@st.composite
def as_typed(draw: st.DrawFn, text: str) -> str:
    parts = [draw(decoration) + draw(st.sampled_from([one, to_persian(one)])) for one in text]
    return "".join(parts) + draw(decoration)


@pytest.mark.parametrize(
    ("read", "value", "code"),
    [
        (national_id, "0499370890", "national_id_invalid"),
        (mobile, "02188880000", "mobile_invalid"),
        (mobile, "+9899999999999999", "mobile_invalid"),
        (postal_code, "123456789", "postal_code_invalid"),
        (tracking_code, "ABCDEFGHJKM", "tracking_code_invalid"),
    ],
)
def test_a_refusal_tells_its_code_and_never_the_value(read: Callable[[str], object], value: str, code: str) -> None:
    with pytest.raises(IdentifierError) as refused:
        read(value)
    assert isinstance(refused.value, ValueError)
    assert (refused.value.code, str(refused.value), refused.value.args) == (code, code, (code,))
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None or refused.value.__suppress_context__


# --- national code ---


@given(st.sampled_from(VALID_NATIONAL_IDS).flatmap(lambda code: st.tuples(st.just(code), as_typed(code))))
def test_a_national_code_is_kept_as_ten_latin_digits(code_and_typed: tuple[str, str]) -> None:
    code, typed = code_and_typed
    assert national_id(typed) == code


@pytest.mark.parametrize(
    "text",
    [
        "4271427685",
        "0200203041",
        *[digit * 10 for digit in "0123456789"],
        "84575948",
        "084575948",
        "00084575948",
        "",
        " - ",
        "۰۰۸۴۵۷۵۹۴۹",
        "008457594A",
        "००८४५७५९४८",
        "²084575948",
    ],
)
def test_what_is_no_national_code(text: str) -> None:
    with pytest.raises(IdentifierError):
        national_id(text)


@given(st.integers(0, 999_999_999).filter(lambda n: len(set(f"{n:09}")) > 1))
def test_nine_digits_have_one_check_digit(number: int) -> None:
    accepted = []
    for check in range(10):
        try:
            accepted.append(national_id(f"{number:09}{check}"))
        except IdentifierError:
            continue
    assert len(accepted) == 1


# --- mobile ---


@pytest.mark.parametrize(
    "text",
    [
        "09123456789",
        "9123456789",
        "+989123456789",
        "00989123456789",
        "989123456789",
        "+98 (0) 912 345 6789",
        "0912-345-6789",
        "(0912) 345.6789",
        "۰۹۱۲۳۴۵۶۷۸۹",
        "\u202a+98 912 345 6789\u202c",
        "\u200e٠٩١٢٣٤٥٦٧٨٩",
    ],
)
def test_a_mobile_number_has_one_form(text: str) -> None:
    assert mobile(text) == "+989123456789"


@given(st.sampled_from(["0912", "0901", "0935", "0990", "0922"]), st.integers(0, 9_999_999), st.data())
def test_every_number_of_an_operator(prefix: str, rest: int, data: st.DataObject) -> None:
    number = f"{prefix}{rest:07}"
    assert mobile(data.draw(as_typed(number))) == "+98" + number[1:]


@pytest.mark.parametrize(
    "text",
    [
        "02188880000",  # a landline
        "+12125550123",
        "+971501234567",
        "0912345678",
        "091234567890",
        "09999999",
        "0912ABCDEFG",
        "09123456789 ext 5",
        "09123456789;ext=5",
        "tel:+989123456789",
        "0912345678९",
        "",
        "+",
        "+98",
        "9" * 5000,
    ],
)
def test_what_is_no_mobile_number(text: str) -> None:
    with pytest.raises(IdentifierError):
        mobile(text)


@given(st.text())
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        number = mobile(text)
    except IdentifierError:
        return
    assert re.fullmatch(r"\+989[0-9]{9}", number)


def test_a_number_is_shown_in_its_order() -> None:
    assert display_mobile("+989123456789") == "\u2068۰۹۱۲ ۳۴۵ ۶۷۸۹\u2069"
    assert mobile(display_mobile("+989123456789")) == "+989123456789"
    for text in ("09123456789", "+982188880000", "+989123456789\n"):
        with pytest.raises(ValueError, match="not an Iranian mobile number") as refused:
            display_mobile(text)
        assert text not in str(refused.value)


# --- postal code ---


@given(st.data())
def test_a_postal_code_is_kept_as_ten_latin_digits(data: st.DataObject) -> None:
    assert postal_code(data.draw(as_typed("1345678901"))) == ("1345678901", ())


@pytest.mark.parametrize("code", ["1234567890", "0000000000", "1345578901"])
def test_folklore_warns_and_never_blocks(code: str) -> None:
    assert postal_code(code) == (code, ("postal_code_unusual",))


@pytest.mark.parametrize("text", ["", "123456789", "12345678901", "12345-6789O", "१२३४५६७८९०"])
def test_what_is_no_postal_code(text: str) -> None:
    with pytest.raises(IdentifierError):
        postal_code(text)


# --- tracking code ---


def test_new_codes_are_unlike_each_other_and_use_all_characters() -> None:
    made = [new_tracking_code() for _ in range(5000)]
    assert len(set(made)) == len(made)
    for code in made:
        assert re.fullmatch(f"[{CROCKFORD}]{{11}}", code)
        assert not code.isdigit()
        assert tracking_code(code) == code
    for place in range(11):
        seen = Counter(code[place] for code in made)
        assert set(seen) == set(CROCKFORD)
        assert max(seen.values()) < 2 * 5000 / 32  # even: twelve standard deviations away


@given(codes, st.data())
def test_a_code_is_read_as_people_write_it(code: str, data: st.DataObject) -> None:
    slips = {"0": "0Oo", "1": "1IiLl"}
    written = "".join(
        data.draw(st.sampled_from([*slips.get(one, ""), one, one.lower(), to_persian(one)])) + data.draw(decoration)
        for one in code
    )
    assert tracking_code(written) == code


@given(codes)
def test_every_single_wrong_character_is_found(code: str) -> None:
    for place in range(11):
        others = [code[:place] + other + code[place + 1 :] for other in CROCKFORD if other != code[place]]
        assert not any(is_code(wrong) for wrong in others)


@given(codes)
def test_every_exchange_of_two_characters_is_found(code: str) -> None:
    for first in range(11):
        for second in range(first + 1, 11):
            swapped = list(code)
            swapped[first], swapped[second] = code[second], code[first]
            assert code[first] == code[second] or not is_code("".join(swapped))


def test_every_exchange_of_neighbours_is_found_for_every_pair_of_characters() -> None:
    # the sum is linear, so what holds for one filling of the other places holds for all
    for place in range(10):
        free = 0 if place else 10  # the place that makes the sum right
        for one, other in permutations(CROCKFORD, 2):
            characters = ["0"] * 11
            characters[place], characters[place + 1] = one, other
            valid = []
            for filling in CROCKFORD:
                characters[free] = filling
                if is_code("".join(characters)):
                    valid.append(filling)
            assert len(valid) == 1
            characters[free] = valid[0]
            characters[place], characters[place + 1] = other, one
            assert not is_code("".join(characters))


@pytest.mark.parametrize("text", ["", "0", "ABCDEFGHJK", "U0000000000", "0000000000É", "ſ0000000000", "K" * 11])
def test_what_is_no_tracking_code(text: str) -> None:
    with pytest.raises(IdentifierError):
        tracking_code(text)


def test_the_check_character_by_hand() -> None:
    # a = 2 in GF(32) modulo x^5+x^2+1: a^5 = a^2+1 = 5, a^10 = 5*5 = x^4+1 = 17 -> "H" for a 1 in the first place
    assert tracking_code("1000000000H") == "1000000000H"
    # a 1 in the tenth place has the weight a = 2
    assert tracking_code("00000000012") == "00000000012"
    # both together: 17 xor 2 = 19 -> "K"
    assert tracking_code("1000000001K") == "1000000001K"


@given(st.text())
def test_any_text_is_a_code_or_refused(text: str) -> None:
    assert not is_code(text) or re.fullmatch(f"[{CROCKFORD}]{{11}}", tracking_code(text))
