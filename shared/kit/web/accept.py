"""Which of the formats on offer a client wants (RFC 9110, 12.5.1)."""

from collections.abc import Sequence

_MOST = 1000


def preferred(accept: str | None, offered: Sequence[str]) -> str | None:
    """The media type of ``offered`` with the highest weight in ``Accept``, the first of equals; None if none will do.

    The most specific range that fits a type gives its weight; without the header all will do.
    """
    if accept is None or not accept.strip():
        return offered[0]
    ranges = [_range(item) for item in accept[:_MOST].split(",")]
    weights = {kind: _weight(kind, ranges) for kind in offered}
    best = max(offered, key=lambda kind: weights[kind])
    return best if weights[best] > 0 else None


def _range(item: str) -> tuple[str, float]:
    kind, *parameters = (part.strip().lower() for part in item.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return kind, min(max(float(value), 0.0), 1.0)
            except ValueError:
                return kind, 0.0
    return kind, 1.0


def _weight(kind: str, ranges: Sequence[tuple[str, float]]) -> float:
    for pattern in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        if (found := [weight for range_, weight in ranges if range_ == pattern]) != []:
            return max(found)
    return 0.0
