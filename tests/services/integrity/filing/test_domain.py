"""Who gets to read a new report."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.integrity.filing.domain import Accused, Holder, has_conflict, names, readers


def holder(
    username: str, role: str = "inspector", province: str | None = "IR-23", body: str | None = None, load: int = 0
) -> Holder:
    return Holder(username, role, province, body, f"نام {username}", uuid4(), "age1…", load)


@pytest.mark.parametrize(
    ("text", "people", "named"),
    [
        ("آرش کیانی پول گرفت", "", True),
        ("آقای کیانی پول گرفت", "", True),
        ("مهندس كياني پول گرفت", "", True),
        ("«آقای کیانی» پول گرفت.", "", True),
        ("در کیانی پول گرفت", "", False),
        ("", "کیانی، کارمند", True),
        ("", "آرش", False),
        ("آقای کیانیان", "", False),
        ("Mr كیانی took it", "", True),
    ],
)
def test_who_is_named(text: str, people: str, named: bool) -> None:
    assert names(text, people, "آرش کیانی") is named


def test_a_surname_of_two_words_is_found_whole_or_in_part() -> None:
    assert names("آقای حسینی‌نژاد", "", "رضا حسینی نژاد")
    assert names("", "نژاد", "رضا حسینی‌نژاد")
    assert not names("نمونه‌ای از بازرسی", "", "بازرس نمونه")


people = st.lists(
    st.builds(
        holder,
        st.uuids().map(str),
        st.sampled_from(["inspector", "supervisor", "custodian"]),
        st.sampled_from(["IR-23", "IR-10", None]),
        st.sampled_from(["sso", "behzisti", None]),
        st.integers(0, 5),
    ),
    max_size=12,
)


@given(people, st.sampled_from(["IR-23", "IR-10", "IR-06", None]), st.data())
def test_nobody_with_a_conflict_reads_and_the_least_loaded_near_inspector_is_taken(
    holders: list[Holder], province: str | None, data: st.DataObject
) -> None:
    named = data.draw(st.sampled_from(holders)).name if holders else "کسی دیگر"
    accused = Accused("sso", f"گفته‌اند که {named} پول گرفت")
    chosen = readers(holders, accused, province)
    everybody = [*chosen.supervisors, *chosen.custodians, *([chosen.inspector] if chosen.inspector else [])]
    assert not any(has_conflict(one, accused) for one in everybody)
    assert not any(one.organisation_id == "sso" or one.name == named for one in everybody)
    free = [one for one in holders if one.role == "inspector" and not has_conflict(one, accused)]
    near = [one for one in free if one.province == province] or free
    assert (chosen.inspector is None) == (not free)
    if chosen.inspector is not None:
        assert chosen.inspector in near
        assert chosen.inspector.load == min(one.load for one in near)
