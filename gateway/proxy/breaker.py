"""A circuit breaker per service: while it does not answer, callers are told so at once instead of waiting."""

import time


class Breaker:
    """Opens after ``failures`` in a row; after ``seconds`` one request may try again."""

    def __init__(self, *, failures: int = 10, seconds: float = 2.0) -> None:
        self._failures = failures
        self._seconds = seconds
        self._in_row = 0
        self._open_until = 0.0

    def refuses(self) -> bool:
        """Whether a request should be turned away now; lets one through when the time is over."""
        if self._in_row < self._failures:
            return False
        now = time.monotonic()
        if now < self._open_until:
            return True
        self._open_until = now + self._seconds
        return False

    def answered(self) -> None:
        """The service answered, whatever it said."""
        self._in_row = 0

    def failed(self) -> None:
        """The service could not be reached or did not answer in time."""
        self._in_row += 1
        if self._in_row >= self._failures:
            self._open_until = time.monotonic() + self._seconds
