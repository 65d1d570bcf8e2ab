"""One trace from the POST to the SMS: W3C ``traceparent`` through HTTP, outbox, broker and consumer.

The context is always carried on. Spans are recorded only where ``SEDA_TRACE_FILE`` names a file (JSON lines), since
recording costs more than a small request does.
"""

import os
import re
from collections.abc import Sequence
from contextvars import ContextVar, Token
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import orjson
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from shared.kit.ids import random_hex
from shared.kit.telemetry.fields import allowed

# W3C Trace Context level 1, 3.2; a later version may have more after the flags
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SPAN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_ .:/{}-]{0,150}")
_DIGITS = re.compile(r"\d{5}")


class TraceContext(NamedTuple):
    """Where in which trace we are: 32, 16 and 2 lower-case hexadecimal digits."""

    trace_id: str
    span_id: str
    flags: str

    @property
    def traceparent(self) -> str:
        """The header that carries it on."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


_current: ContextVar[TraceContext | None] = ContextVar("seda_trace", default=None)
_recorder: dict[str, Any] = {"tracer": None, "provider": None}


def parse_traceparent(value: object) -> TraceContext | None:
    """The context that a ``traceparent`` names; None for whatever is not one: junk is no reason to fail."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str) or (match := _TRACEPARENT.fullmatch(value)) is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest) or not trace_id.strip("0") or not span_id.strip("0"):
        return None
    return TraceContext(trace_id, span_id, "01" if int(flags, 16) & 1 else "00")


def current_traceparent() -> str | None:
    """The ``traceparent`` of the span we are in, for an outgoing call or event; None outside of any."""
    context = _current.get()
    return context and context.traceparent


def current_ids() -> dict[str, str]:
    """``trace_id`` and ``span_id`` for a log line; empty outside of any span."""
    context = _current.get()
    return {} if context is None else {"trace_id": context.trace_id, "span_id": context.span_id}


class span:  # noqa: N801
    """``with span("handle case.registered.v1", event.traceparent, event_type=…) as s:``: one step of a trace.

    ``parent`` is a ``traceparent`` of any origin; junk is taken as none. Without one the span we are in is the parent,
    and outside of any a new trace begins. With ``recorded=False`` the context is only carried on. Attributes pass the
    allow-list; an exception is recorded by its type alone.
    """

    __slots__ = ("_attributes", "_kind", "_name", "_parent", "_recorded", "_span", "_token", "context")

    context: TraceContext

    def __init__(
        self,
        name: str,
        parent: object = None,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        recorded: bool = True,
        **attributes: Any,
    ) -> None:
        self._recorded = recorded
        self._name = name
        self._parent = parent
        self._kind = kind
        self._attributes = attributes
        self._span: Span | None = None
        self._token: Token[TraceContext | None] | None = None

    def __enter__(self) -> Self:
        parent = parse_traceparent(self._parent) if self._parent is not None else None
        parent = parent or _current.get()
        tracer: Tracer | None = _recorder["tracer"] if self._recorded else None
        if tracer is None:
            trace_id = parent.trace_id if parent else random_hex(16)
            self.context = TraceContext(trace_id, random_hex(8), parent.flags if parent else "00")
        else:
            within = None
            if parent is not None:
                remote = SpanContext(
                    int(parent.trace_id, 16), int(parent.span_id, 16), is_remote=True, trace_flags=TraceFlags(1)
                )
                within = set_span_in_context(NonRecordingSpan(remote))
            self._span = tracer.start_span(
                _safe_name(self._name), within, self._kind, allowed(self._attributes), record_exception=False
            )
            own = self._span.get_span_context()
            self.context = TraceContext(f"{own.trace_id:032x}", f"{own.span_id:016x}", "01")
        self._token = _current.set(self.context)
        return self

    def update(self, name: str, **attributes: Any) -> None:
        """Renames the span and adds attributes, once more is known (the route)."""
        if self._span is not None:
            self._span.update_name(_safe_name(name))
            self._span.set_attributes(allowed(attributes))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._token is not None:
            _current.reset(self._token)
        if self._span is not None:
            if kind is not None:
                self._span.set_status(StatusCode.ERROR)
                self._span.set_attributes(allowed({"error": kind.__name__}))
            self._span.end()


def _safe_name(name: str) -> str:
    return name if _SPAN_NAME.fullmatch(name) and not _DIGITS.search(name) else "unnamed"


class _JsonLines(SpanExporter):
    """Appends spans to a file that several processes may share: one write a batch, each span a line."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        os.write(self._file, b"".join(_line(span) for span in spans))
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        os.close(self._file)


def _line(span: ReadableSpan) -> bytes:
    own, parent = span.get_span_context(), span.parent
    assert own is not None
    document = {
        "trace_id": f"{own.trace_id:032x}",
        "span_id": f"{own.span_id:016x}",
        "parent_id": f"{parent.span_id:016x}" if parent else None,
        "service": span.resource.attributes["service.name"],
        "name": span.name,
        "kind": span.kind.name.lower(),
        "start_ns": span.start_time,
        "end_ns": span.end_time,
        "failed": span.status.status_code is StatusCode.ERROR,
        "attributes": dict(span.attributes or {}),
    }
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)


def setup_tracing(service: str, trace_file: Path | None) -> None:
    """Records spans to ``trace_file`` from now on, or none; what was recorded before is written out first."""
    if (old := _recorder["provider"]) is not None:
        old.shutdown()
    _recorder.update(tracer=None, provider=None)
    if trace_file is not None:
        provider = TracerProvider(resource=Resource({"service.name": service}))
        provider.add_span_processor(BatchSpanProcessor(_JsonLines(trace_file), schedule_delay_millis=200))
        _recorder.update(tracer=provider.get_tracer("seda"), provider=provider)
