"""Limits on requests: how many in how many seconds, per address, caller or number.

Token buckets in this process's memory (ADR 0005): a limit protects a process, and what must survive a restart, the
tries at a login code, is counted in the database.
"""

import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import Scope

from shared.kit.auth import Principal
from shared.kit.web.problems import too_many_requests

_KEPT = 100_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Buckets:
    """``count`` requests in ``seconds`` for each key, refilled evenly; the least recently seen keys are forgotten."""

    def __init__(self, name: str, count: int, seconds: float) -> None:
        self.name = name
        self.count = count
        self.seconds = seconds
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str) -> None:
        """Counts one request. Raises a 429 problem with ``Retry-After`` and the ``RateLimit`` pair when there are too
        many (draft-ietf-httpapi-ratelimit-headers)."""
        now = time.monotonic()
        bucket = self._buckets.pop(key, None) or _Bucket(self.count, now)
        rate = self.count / self.seconds
        bucket.tokens = min(self.count, bucket.tokens + (now - bucket.at) * rate)
        bucket.at = now
        self._buckets[key] = bucket
        if len(self._buckets) > _KEPT:
            self._buckets.popitem(last=False)
        if bucket.tokens < 1:
            wait = math.ceil((1 - bucket.tokens) / rate)
            raise too_many_requests(
                wait,
                {
                    "RateLimit": f'"{self.name}";r=0;t={wait}',
                    "RateLimit-Policy": f'"{self.name}";q={self.count};w={math.ceil(self.seconds)}',
                },
            )
        bucket.tokens -= 1


class Limiter:
    """The limit on all requests: per caller, or per address for who has not logged in."""

    def __init__(self, per_minute: int) -> None:
        self._buckets = Buckets("requests", per_minute, 60)

    def take(self, address: str, caller: Principal) -> None:
        """Counts one request. Raises a 429 problem when there are too many."""
        self._buckets.take(f"@{address}" if caller.kind == "public" else f"{caller.kind}:{caller.subject}")

    def take_stranger(self, address: str) -> None:
        """Counts a request with a token that is not good: checking signatures costs more than anything else here."""
        self._buckets.take(f"@{address}")


def address_of(scope: Scope) -> str:
    """The address that limits count by: of IPv6 the /64 that one subscriber has (RFC 6177), not each of its 2⁶⁴."""
    client = scope.get("client")
    address = client[0] if client else ""
    if ":" not in address:
        return address
    packed = ip_address(address.partition("%")[0])
    mapped = packed.ipv4_mapped if isinstance(packed, IPv6Address) else None
    return str(mapped) if mapped else str(ip_network((packed, 64), strict=False))
