"""What a running service tells of itself: logs, traces and metrics, none of which may tell anything of a person."""

from shared.kit.settings import ServiceSettings
from shared.kit.telemetry import metrics
from shared.kit.telemetry.logs import log, setup_logging
from shared.kit.telemetry.tracing import current_traceparent, parse_traceparent, setup_tracing, span

__all__ = ["current_traceparent", "log", "metrics", "parse_traceparent", "setup_telemetry", "span"]


def setup_telemetry(service: str, settings: ServiceSettings | None = None) -> None:
    """Called once, first thing in a process; without ``settings`` the environment is read."""
    settings = settings or ServiceSettings()
    setup_logging(service, settings.log_level)
    setup_tracing(service, settings.trace_file)
