"""Pydantic's errors in the contract's words: pointer, own stable code, message in Persian and English.

Neither the rejected value nor Pydantic's own text is passed on; only limits, which stand in the schema anyway.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError, core_schema

from shared.kit.web.language import Text, persian_digits
from shared.kit.web.messages import MESSAGES
from shared.kit.web.problems import INVALID_FIELDS, FieldFault, Problem

_PLACES = frozenset({"body", "query", "path", "header", "cookie"})
_MOST_ERRORS = 50
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_DIGITS = re.compile(r"[0-9]{5}")

# Pydantic's error type → (our code, which entry of its context is the schema's limit)
_CODES: Final[Mapping[str, tuple[str, str | None]]] = {
    **dict.fromkeys(
        (
            "missing",
            "missing_argument",
            "missing_keyword_only_argument",
            "missing_positional_only_argument",
            "union_tag_not_found",
        ),
        ("required", None),
    ),
    **dict.fromkeys(
        ("extra_forbidden", "unexpected_keyword_argument", "unexpected_positional_argument", "invalid_key"),
        ("unknown_field", None),
    ),
    **dict.fromkeys(("string_type", "bytes_type"), ("not_text", None)),
    **dict.fromkeys(("string_unicode", "string_not_ascii", "bytes_invalid_encoding"), ("not_unicode", None)),
    **dict.fromkeys(("string_too_short", "bytes_too_short"), ("too_short", "min_length")),
    **dict.fromkeys(("string_too_long", "bytes_too_long", "url_too_long"), ("too_long", "max_length")),
    "too_short": ("too_few", "min_length"),
    "too_long": ("too_many", "max_length"),
    "string_pattern_mismatch": ("bad_format", None),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), ("not_integer", None)),
    "int_parsing_size": ("out_of_range", None),
    **dict.fromkeys(
        (
            "float_type",
            "float_parsing",
            "finite_number",
            "decimal_type",
            "decimal_parsing",
            "fraction_type",
            "fraction_parsing",
            "complex_type",
            "complex_str_parsing",
        ),
        ("not_number", None),
    ),
    **dict.fromkeys(("decimal_max_digits", "decimal_max_places", "decimal_whole_digits"), ("too_many_digits", None)),
    "greater_than": ("must_exceed", "gt"),
    "greater_than_equal": ("too_small", "ge"),
    "less_than": ("must_be_below", "lt"),
    "less_than_equal": ("too_large", "le"),
    "multiple_of": ("not_multiple", "multiple_of"),
    **dict.fromkeys(("bool_type", "bool_parsing"), ("not_boolean", None)),
    **dict.fromkeys(("enum", "literal_error"), ("not_allowed", "expected")),
    "union_tag_invalid": ("not_allowed", "expected_tags"),
    "none_required": ("must_be_null", None),
    **dict.fromkeys(
        (
            "model_type",
            "model_attributes_type",
            "dataclass_type",
            "dataclass_exact_type",
            "dict_type",
            "frozen_dict_type",
            "ordered_dict_type",
            "counter_type",
            "mapping_type",
            "arguments_type",
        ),
        ("not_object", None),
    ),
    **dict.fromkeys(
        (
            "list_type",
            "deque_type",
            "tuple_type",
            "set_type",
            "frozen_set_type",
            "iterable_type",
            "named_tuple_type",
        ),
        ("not_list", None),
    ),
    **dict.fromkeys(
        ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"), ("not_date", None)
    ),
    **dict.fromkeys(("time_type", "time_parsing"), ("not_time", None)),
    **dict.fromkeys(
        (
            "datetime_type",
            "datetime_parsing",
            "datetime_object_invalid",
            "datetime_from_date_parsing",
            "timezone_naive",
            "timezone_offset",
        ),
        ("not_datetime", None),
    ),
    "timezone_aware": ("timezone_required", None),
    **dict.fromkeys(("time_delta_type", "time_delta_parsing"), ("not_duration", None)),
    **dict.fromkeys(("date_past", "datetime_past"), ("must_be_past", None)),
    **dict.fromkeys(("date_future", "datetime_future"), ("must_be_future", None)),
    **dict.fromkeys(("uuid_type", "uuid_parsing", "uuid_version"), ("not_identifier", None)),
    **dict.fromkeys(("url_type", "url_parsing", "url_syntax_violation", "url_scheme"), ("not_url", None)),
    **dict.fromkeys(("json_invalid", "json_type"), ("malformed_json", None)),
    **dict.fromkeys(("recursion_loop", "recursion_depth_exceeded"), ("too_deep", None)),
}


@dataclass(frozen=True, slots=True)
class Within:
    """A text's length in characters, counted after the validators before it have cleaned the text."""

    least: int
    most: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Checks what ``handler``'s schema has made of the text."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """What the OpenAPI document says of it."""
        return {**handler(schema), "minLength": self.least, "maxLength": self.most}

    def _check(self, text: str) -> str:
        if len(text) < self.least:
            raise PydanticKnownError("string_too_short", {"min_length": self.least})
        if len(text) > self.most:
            raise PydanticKnownError("string_too_long", {"max_length": self.most})
        return text


def field_error(code: str, message: Text) -> PydanticCustomError:
    """What a validator raises for a rule of its own: ``code`` is stable, ``message`` never holds the value."""
    return PydanticCustomError(f"seda_{code}", "invalid", {"code": code, "message": message})


def validation_problem(errors: Iterable[Mapping[str, Any]], document: object = None) -> Problem:
    """The 422 for the ``errors()`` of a ValidationError.

    ``errors`` have FastAPI's locations (``("body", …)``, ``("query", …)``); a ValidationError of a
    ``TypeAdapter`` gets its place prepended by the caller. ``document`` is the parsed body, by which tags of
    unions and names of validators are told from names of fields.
    """
    found = dict.fromkeys(_error(error, document) for error in errors)
    return Problem(INVALID_FIELDS, errors=list(found)[:_MOST_ERRORS])


def _error(error: Mapping[str, Any], document: object) -> FieldFault:
    kind = str(error["type"])
    location: Sequence[str | int] = error["loc"]
    context: Mapping[str, Any] = error.get("ctx") or {}
    place = str(location[0]) if location and location[0] in _PLACES else "body"
    path = location[1:] if location and location[0] in _PLACES else location
    pointer = _body_pointer(path, kind, document) if place == "body" else _pointer(path[:1])
    if kind.startswith("seda_") and isinstance(message := context.get("message"), Text):
        return FieldFault(pointer, str(context["code"]), message, place)
    code, limit_name = _CODES.get(kind, ("invalid", None))
    message = MESSAGES[code]
    if limit_name is not None:
        message = _with_limit(message, context.get(limit_name))
    return FieldFault(pointer, code, message, place)


def _with_limit(message: Text, limit: object) -> Text:
    match limit:
        case int() | float() | Decimal():
            return Text(message.fa.format(limit=persian_digits(limit)), message.en.format(limit=limit))
        case datetime() | date():
            return Text(message.fa.format(limit=limit.isoformat()), message.en.format(limit=limit.isoformat()))
        case str():
            plain = limit.replace("'", "")
            return Text(message.fa.format(limit=plain.replace(" or ", " یا ")), message.en.format(limit=plain))
    return MESSAGES["invalid"]


def _body_pointer(path: Sequence[str | int], kind: str, document: object) -> str:
    """Follows the location through the document; what is no step in it is a tag or a validator's name."""
    if document is None:
        return _pointer(path)
    steps: list[str | int] = []
    here: Any = document
    for index, step in enumerate(path):
        if _holds(here, step):
            here = here[step]
            steps.append(step)
        elif kind == "missing" and index == len(path) - 1:
            steps.append(step)
    return _pointer(steps)


def _holds(container: object, step: str | int) -> bool:
    if isinstance(container, list):
        return isinstance(step, int) and 0 <= step < len(container)
    return isinstance(container, Mapping) and step in container


def _pointer(steps: Sequence[str | int]) -> str:
    """RFC 6901. Stops at a step that is no plain name: it came from the client, and nothing of that is repeated."""
    pointer = ""
    for step in steps:
        if isinstance(step, str) and not is_plain_name(step):
            break
        pointer += f"/{step}"
    return pointer


def is_plain_name(name: str) -> bool:
    """Whether a JSON object's key looks like a field's name: a number in it could be somebody's."""
    return _PLAIN_NAME.fullmatch(name) is not None and not _DIGITS.search(name)
