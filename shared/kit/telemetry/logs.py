"""Logs: one JSON object a line, constant event names, fields by allow-list, exceptions by type and place alone."""

import logging
import re
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import orjson
import structlog

from shared.kit.telemetry import metrics
from shared.kit.telemetry.fields import allowed
from shared.kit.telemetry.tracing import current_ids

_EVENT = re.compile(r"[a-z][a-z0-9_]{1,59}")
_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_ROOT = Path(__file__).resolve().parents[3]
_MOST_FRAMES = 25


class SedaLogger(structlog.BoundLoggerBase):
    """Takes an event's constant name and fields by name; there is no place for a message with values in it."""

    def debug(self, event: str, **fields: Any) -> None:
        """What only a developer wants to see."""
        self._write("debug", event, fields)

    def info(self, event: str, **fields: Any) -> None:
        """What happened as it should."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """What went wrong and is looked after."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """What somebody has to look at; ``exc_info=`` an exception adds its type and where it was raised."""
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, Any]) -> None:
        if _LEVELS[level] >= _state["threshold"]:
            self._proxy_to_logger(level, event, **fields)


_state: dict[str, Any] = {"threshold": _LEVELS["info"], "service": None}


def exception_fields(error: BaseException) -> dict[str, Any]:
    """``error`` (the type's name), ``cause``, ``errors`` of a group, ``errno``, ``stack``: never the text or locals."""
    fields: dict[str, Any] = {"error": type(error).__name__, "stack": _stack(error.__traceback__)}
    if (cause := error.__cause__ or error.__context__) is not None:
        fields["cause"] = type(cause).__name__
    if isinstance(error, BaseExceptionGroup):
        fields["errors"] = [type(inner).__name__ for inner in error.exceptions]
    if isinstance(error, OSError) and error.errno is not None:
        fields["errno"] = error.errno
    return fields


def _stack(traceback: TracebackType | None) -> list[str]:
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{_place(code.co_filename)}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return frames[-_MOST_FRAMES:]


def _place(filename: str) -> str:
    path = Path(filename)
    if path.is_relative_to(_ROOT) and ".venv" not in path.parts:
        return path.relative_to(_ROOT).as_posix()
    return "/".join(path.parts[-2:])


def _only_allowed(_logger: Any, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    name = event.pop("event", "")
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = error[1]
    fields = dict(event)
    if isinstance(error, BaseException):
        fields |= exception_fields(error)
    if not (isinstance(name, str) and _EVENT.fullmatch(name)):
        metrics.telemetry_dropped.labels("unsafe").inc()
        name = "unnamed"
    return {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": level,
        "service": _state["service"],
        "event": name,
        **current_ids(),
        **allowed(fields),
    }


def _to_json(_logger: Any, _level: str, event: MutableMapping[str, Any]) -> bytes:
    return orjson.dumps(event)


class _Stdout:
    """Writes to the standard output of the moment, a line at a time."""

    def _line(self, line: bytes) -> None:
        sys.stdout.write(line.decode() + "\n")
        sys.stdout.flush()

    debug = info = warning = error = _line


class _Foreign(logging.Handler):
    """What libraries log: which statement spoke and with which exception, but not their text, which quotes values."""

    def emit(self, record: logging.LogRecord) -> None:
        level = "error" if record.levelno >= logging.ERROR else "warning"
        error: object = record.exc_info[1] if record.exc_info else None
        if error is None and isinstance(record.msg, BaseException):
            error = record.msg
        where = f"{record.module}.py:{record.lineno} {record.funcName}"
        getattr(log, level)("library_message", logger=record.name, where=where, exc_info=error)


structlog.configure(
    processors=[structlog.contextvars.merge_contextvars, _only_allowed, _to_json],
    wrapper_class=SedaLogger,
    logger_factory=lambda *_: _Stdout(),
    # not cached: tests capture logs by exchanging the processors
    cache_logger_on_first_use=False,
)

log: SedaLogger = structlog.get_logger()


def setup_logging(service: str, level: str) -> None:
    """Names the process in its log lines and takes the libraries' logs (uvicorn's access log: away) into the same."""
    _state.update(threshold=_LEVELS[level], service=service)
    root = logging.getLogger()
    root.handlers[:] = [_Foreign()]
    root.setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
        logger.setLevel(logging.WARNING)
