import re
from typing import Annotated, Any, Literal, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import core_schema

from shared.kit.web.language import Text
from shared.kit.web.messages import MESSAGES
from shared.kit.web.problems import FieldFault, Problem
from shared.kit.web.validation import _CODES, field_error, validation_problem

# Pydantic's types that say no more than "not valid" to somebody who sends JSON
WITHOUT_WORDS = {
    "no_such_attribute",
    "needs_python_object",
    "frozen_field",
    "frozen_instance",
    "get_attribute_error",
    "default_factory_not_called",
    "iteration_error",
    "set_item_not_hashable",
    "value_error",
    "assertion_error",
    "missing_sentinel_error",
    "ellipsis_error",
    "is_instance_of",
    "is_subclass_of",
    "callable_type",
    "multiple_argument_values",
}
PERSIAN = re.compile(r"[\u0600-\u06ff]")


def not_a_canary(value: str) -> str:
    if "canary" in value:
        raise field_error("no_canaries", Text("قناری نه.", "No canaries."))
    return value


class Assign(BaseModel):
    model_config = ConfigDict(extra="forbid")
    type: Literal["assign"]
    department_id: Annotated[str, Field(min_length=3)]


class Refer(BaseModel):
    type: Literal["refer"]
    note: str


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(max_length=12), AfterValidator(not_a_canary)]
    count: Annotated[int, Field(ge=1, le=5)] = 1
    tags: Annotated[list[Annotated[str, Field(pattern="^[a-z]+$")]], Field(max_length=2)] = []
    step: Annotated[Assign | Refer, Field(discriminator="type")] | None = None
    either: int | Assign | None = None
    at: AwareDatetime | None = None
    more: dict[str, int] = {}


ADAPTER = TypeAdapter(Body)


def problem_of(document: Any) -> Problem:
    with pytest.raises(ValidationError) as raised:
        ADAPTER.validate_python(document)
    return validation_problem(raised.value.errors(), document)


def errors_of(document: Any) -> set[tuple[str, str]]:
    return {(error.pointer, error.code) for error in problem_of(document).errors}


def test_every_type_of_pydantic_has_words() -> None:
    types = set(get_args(core_schema.ErrorType))
    assert types - set(_CODES) == WITHOUT_WORDS
    assert set(_CODES) <= types


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, {("/name", "required")}),
        ({"name": "canary"}, {("/name", "no_canaries")}),
        ({"name": "x" * 13}, {("/name", "too_long")}),
        ({"name": "\ud800"}, {("/name", "not_unicode")}),
        ({"name": "x", "count": 9}, {("/count", "too_large")}),
        ({"name": "x", "count": "1" * 5000}, {("/count", "out_of_range")}),
        ({"name": "x", "tags": ["a", "B", "c"]}, {("/tags", "too_many")}),
        ({"name": "x", "tags": ["a", "B"]}, {("/tags/1", "bad_format")}),
        ({"name": "x", "step": {"type": "assign"}}, {("/step/department_id", "required")}),
        ({"name": "x", "step": {"type": "assign", "department_id": "a"}}, {("/step/department_id", "too_short")}),
        ({"name": "x", "step": {"type": "burn"}}, {("/step", "not_allowed")}),
        ({"name": "x", "step": {}}, {("/step", "required")}),
        (
            {"name": "x", "either": {"type": "assign"}},
            {("/either", "not_integer"), ("/either/department_id", "required")},
        ),
        ({"name": "x", "at": "2025-01-01T00:00:00"}, {("/at", "timezone_required")}),
        ({"name": "x", "more": {"09121234567": "y"}}, {("/more", "not_integer")}),
        ({"name": "x", "unheard_of": 1}, {("/unheard_of", "unknown_field")}),
        ({"name": "x", "قناری": 1}, {("", "unknown_field")}),
        ([], {("", "not_object")}),
    ],
)
def test_the_pointer_leads_to_the_fault(document: Any, expected: set[tuple[str, str]]) -> None:
    assert errors_of(document) == expected


def test_parameters_say_where_they_are() -> None:
    error = {"type": "int_parsing", "loc": ("query", "limit"), "ctx": {}}
    assert validation_problem([error]).errors == (
        FieldFault("/limit", "not_integer", MESSAGES["not_integer"], "query"),
    )
    assert validation_problem([error]).document("en")["errors"][0]["in"] == "query"


def test_limits_are_told_in_the_reader_s_digits() -> None:
    problem = problem_of({"name": "x", "count": 99})
    assert problem.document("fa")["errors"][0]["message"] == "نباید از ۵ بیشتر باشد."
    assert problem.document("en")["errors"][0]["message"] == "It must be 5 or less."
    choice = problem_of({"name": "x", "step": {"type": "burn"}})
    assert choice.document("en")["errors"][0]["message"] == "It must be one of: assign, refer"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(["name", "count", "tags", "step", "either", "at", "more", "type"])


@given(JSON | st.dictionaries(FIELDS, JSON))
def test_whatever_is_sent_is_valid_or_answered(document: Any) -> None:
    try:
        ADAPTER.validate_python(document)
    except ValidationError as error:
        problem = validation_problem(error.errors(), document)
        orjson.dumps([problem.document("fa"), problem.document("en")])
        for shown in problem.document("fa")["errors"]:
            assert PERSIAN.search(shown["message"])
            assert "{limit}" not in shown["message"]
            assert "pydantic" not in str(shown)


@given(
    st.sampled_from(["name", "count", "tags", "step", "either", "at", "more"]),
    st.sampled_from(["text", "list", "object"]),
)
def test_a_rejected_value_is_never_repeated(field: str, wrap: str) -> None:
    canary = "canary-09121234567"
    value: Any = {"text": canary, "list": [canary], "object": {canary: canary}}[wrap]
    shown = str(problem_of({"name": "a canary", field: value}).document("en"))
    assert "09121234567" not in shown
    assert "a canary" not in shown
