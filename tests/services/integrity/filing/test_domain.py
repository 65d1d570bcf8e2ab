"""Who gets to read a new report."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.integrity.filing.domain import Accused, Holder, is_of_body, readers


def holder(
    username: str,
    role: str = "inspector",
    province: str | None = "IR-23",
    body: str | None = None,
    load: int = 0,
    active: bool = True,
) -> Holder:
    return Holder(username, role, province, body, f"نام {username}", uuid4(), "age1…", load, active)


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
    assert Accused("sso", text, people).names("آرش کیانی") is named


def test_a_surname_of_two_words_is_found_whole_or_in_part() -> None:
    assert Accused("sso", "آقای حسینی‌نژاد").names("رضا حسینی نژاد")
    assert Accused("sso", "", "نژاد").names("رضا حسینی‌نژاد")
    assert not Accused("sso", "نمونه‌ای از بازرسی").names("بازرس نمونه")


people = st.lists(
    st.builds(
        holder,
        st.uuids().map(str),
        st.sampled_from(["inspector", "supervisor", "custodian"]),
        st.sampled_from(["IR-23", "IR-10", None]),
        st.sampled_from(["sso", "behzisti", None]),
        st.integers(0, 5),
        st.booleans(),
    ),
    max_size=12,
)


@given(people, st.sampled_from(["IR-23", "IR-10", "IR-06", None]), st.data())
def test_nobody_with_a_conflict_reads_and_the_least_loaded_near_inspector_is_taken(
    holders: list[Holder], province: str | None, data: st.DataObject
) -> None:
    named = data.draw(st.sampled_from(holders)) if holders else holder("کسی دیگر")
    accused = Accused("sso", f"گفته‌اند که {named.name} پول گرفت")
    sealed_to = data.draw(st.none() | st.sets(st.sampled_from([one.key_id for one in holders] or [named.key_id])))
    chosen = readers(holders, accused, province, sealed_to)
    assert chosen.excluded == {one.username for one in holders if one.name == named.name}, "retired or not"
    everybody = [*chosen.supervisors, *chosen.custodians, *([chosen.inspector] if chosen.inspector else [])]
    free = [one for one in holders if one.active and one.organisation_id != "sso" and one.name != named.name]
    assert all(one in free and not is_of_body(one, accused) for one in everybody)
    assert set(chosen.supervisors) == {one for one in free if one.role == "supervisor"}
    assert set(chosen.custodians) == {one for one in free if one.role == "custodian"}
    inspectors = [one for one in free if one.role == "inspector" and (sealed_to is None or one.key_id in sealed_to)]
    near = [one for one in inspectors if one.province == province] or inspectors
    assert (chosen.inspector is None) == (not inspectors)
    if chosen.inspector is not None:
        assert chosen.inspector in near
        assert chosen.inspector.load == min(one.load for one in near)
