import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.persian.bidi import FSI, PDI, has_persian, isolate

mixed = st.text(st.sampled_from("آبپ یA bZé09۰۹+-./ :،()@\u2066\u2068\u2069"), max_size=60)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("سامانهٔ ZRM است.", "سامانهٔ [ZRM] است."),
        ("شماره +98 912 345 6789 است", "شماره [+98 912 345 6789] است"),
        ("تلفن ۰۹۱۲ ۳۴۵ ۶۷۸۹، شهر", "تلفن [۰۹۱۲ ۳۴۵ ۶۷۸۹]، شهر"),
        ("تلفن 021-8888-0000", "تلفن [021-8888-0000]"),
        ("شبا IR06 0170 0000 0012 3456 7890 01.", "شبا [IR06 0170 0000 0012 3456 7890 01]."),
        ("شبا IR۰۶۰۱۷۰۰۰۰۰۰۰۱۲۳۴۵۶۷۸۹۰۰۱ است", "شبا [IR۰۶۰۱۷۰۰۰۰۰۰۰۱۲۳۴۵۶۷۸۹۰۰۱] است"),
        ("نشانی https://seda.example.ir/v/ABC-12 را ببینید", "نشانی [https://seda.example.ir/v/ABC-12] را ببینید"),
        ("رایانامه info@mcls.gov.ir.", "رایانامه [info@mcls.gov.ir]."),
        ("بار ۱۲ SMS آمد", "بار ۱۲ [SMS] آمد"),
        ("استاندارد (ISO 37002) و 3D", "استاندارد ([ISO 37002]) و [3D]"),
        ("در ۱۴۰۴/۰۹/۱۸ ساعت ۱۲:۳۰ و ۵ نفر", "در ۱۴۰۴/۰۹/۱۸ ساعت ۱۲:۳۰ و ۵ نفر"),
        ("کد رهگیری 7K3MZ0Q1XAB", "کد رهگیری [7K3MZ0Q1XAB]"),
        ("", ""),
    ],
)
def test_what_reads_from_the_left_is_isolated(text: str, shown: str) -> None:
    assert isolate(text) == shown.replace("[", FSI).replace("]", PDI)


@given(st.one_of(mixed, st.text()))
def test_isolates_are_in_pairs_and_nothing_else_changes(text: str) -> None:
    isolated = isolate(text)
    assert isolate(isolated) == isolated
    bare = re.sub("[\u2066-\u2069]", "", text)
    assert isolated.replace(FSI, "").replace(PDI, "") == bare
    assert re.fullmatch(f"(?:[^{FSI}{PDI}]|{FSI}[^{FSI}{PDI}]+{PDI})*", isolated)


@given(mixed)
def test_no_latin_letter_is_left_outside(text: str) -> None:
    outside = re.sub(f"{FSI}[^{PDI}]*{PDI}", "", isolate(text))
    assert not re.search("[A-Za-zé]", outside)


@pytest.mark.parametrize(
    "text", ["1" * 20000, "0 " * 10000, "1." * 10000, "+1" * 10000, "IR" + "1" * 20000, "a " * 9000]
)
def test_long_runs_cost_linear_time(text: str) -> None:
    begun = time.perf_counter()
    isolate(text)
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize(
    ("text", "persian"), [("سلام", True), ("a گ", True), ("abc", False), ("۱۲۳، ؟", False), ("", False), ("ﺳ", True)]
)
def test_persian_is_seen_by_its_letters(text: str, persian: bool) -> None:
    assert has_persian(text) is persian
