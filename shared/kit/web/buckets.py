"""Token buckets in this process's memory (ADR 0005): a limit protects a process.

What must survive a restart, the tries at a login code, is counted in the database.
"""

import math
import time
from collections import OrderedDict
from dataclasses import dataclass

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
