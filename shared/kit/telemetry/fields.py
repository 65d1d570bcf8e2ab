"""The allow-list: which fields a log line or a span may have, and what may stand in each. All else is dropped.

A field that is not here does not come out, so nobody leaks a number or a name by logging one thing more; and a field
that is here is checked, so nobody leaks it under an innocent name either.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from shared.kit.telemetry import metrics

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:<>-]{0,99}")
_DIGITS = re.compile(r"\d{5}")
_ROUTE = re.compile(r"/[a-z0-9_.{}*:/-]{0,199}", re.IGNORECASE)
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_REQUEST_ID = re.compile(rf"{_UUID}|(?!.*[0-9]{{9}})[A-Za-z0-9_-]{{8,64}}")
_TRACE = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}")
_FRAME = re.compile(r"[A-Za-z0-9_./<>-]{1,120}:\d{1,6} [A-Za-z0-9_<>.]{1,100}")
_MOST = 10**8


def _name(value: object) -> object:
    """A name out of the code; a run of five digits is a number of somebody's, not a name."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) and not _DIGITS.search(value) else None


def _number(value: object) -> object:
    """A count or a duration; a phone number has more digits."""
    return value if isinstance(value, int | float) and -_MOST < value < _MOST else None


def _id(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    try:
        return str(UUID(value)) if isinstance(value, str) and len(value) == 36 else None
    except ValueError:
        return None


def _matching(pattern: re.Pattern[str]) -> Callable[[object], object]:
    return lambda value: value if isinstance(value, str) and pattern.fullmatch(value) else None


def _route(value: object) -> object:
    """A route's template, never a path: no run of five digits, no code."""
    return value if isinstance(value, str) and _ROUTE.fullmatch(value) and not _DIGITS.search(value) else None


def _frames(value: object) -> object:
    return value if isinstance(value, list) and all(map(_matching(_FRAME), value)) else None


def _names(value: object) -> object:
    return value if isinstance(value, list) and all(map(_name, value)) else None


def is_request_id(value: str) -> bool:
    """Whether a client's ``X-Request-Id`` is taken over: a UUID, or 8 to 64 plain characters without digits in
    the length of a phone number or a national code, since it is written down."""
    return _REQUEST_ID.fullmatch(value) is not None


def _table(names: Iterable[str], check: Callable[[object], object]) -> dict[str, Callable[[object], object]]:
    return dict.fromkeys(names, check)


_FIELDS: Final[Mapping[str, Callable[[object], object]]] = {
    **_table(("service", "role", "job", "consumer", "queue", "exchange", "check", "worker"), _name),
    **_table(
        ("type", "event_type", "error", "cause", "logger", "outcome", "state", "step", "method", "operator"), _name
    ),
    **_table(("event_id", "case_id", "causation_id"), _id),
    **_table(
        (
            "count",
            "attempts",
            "lane",
            "status",
            "duration_ms",
            "seconds",
            "size",
            "port",
            "errno",
            "parts",
            "unanswered",
            "version",
            "smpp_status",
            "expected",
            "finds_by_client_id",
        ),
        _number,
    ),
    "request_id": _matching(_REQUEST_ID),
    "trace_id": _matching(_TRACE),
    "span_id": _matching(_TRACE),
    "route": _route,
    "stack": _frames,
    "where": _matching(_FRAME),
    "errors": _names,
}


def allowed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What of ``fields`` may be written down; what may not is dropped and counted, None is left out."""
    kept = {}
    for name, value in fields.items():
        if value is None:
            continue
        check = _FIELDS.get(name)
        shown = None if check is None else check(value)
        if shown is None:
            metrics.telemetry_dropped.labels("unknown" if check is None else "unsafe").inc()
        else:
            kept[name] = shown
    return kept
