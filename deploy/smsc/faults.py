"""What the simulator does wrong on demand, as real operators do without being asked."""

from pydantic import BaseModel, ConfigDict, Field


class Faults(BaseModel):
    """``POST /faults`` sets all of them at once; what is left out is as it was at the start. Times in seconds."""

    model_config = ConfigDict(extra="forbid")

    throttle_per_second: float | None = Field(default=None, gt=0)
    """submit_sm above this rate (with a burst of one second's worth) are answered ESME_RTHROTTLED."""
    response_delay: float = Field(default=0.0, ge=0)
    receipt_delay: float = Field(default=0.1, ge=0)
    failure_rate: float = Field(default=0.0, ge=0, le=1)
    """The share of short messages that do not reach their phone (UNDELIV)."""
    unreachable: frozenset[str] = frozenset()
    """Phones (+98…) that nothing reaches."""
    refuse: int = Field(default=0, ge=0)
    """The next so many submit_sm are answered with ``refuse_status`` and not kept."""
    refuse_status: int = Field(default=0x0B, gt=0, le=0xFFFFFFFF)
    drop_responses: int = Field(default=0, ge=0)
    """The next so many submit_sm are kept and carried, but not answered."""
    swallow: int = Field(default=0, ge=0)
    """The next so many submit_sm are neither kept nor answered."""
    disconnect_after: int | None = Field(default=None, ge=1)
    """The so-manieth submit_sm from now is kept and, instead of an answer, the connection is cut; once."""
    duplicate_receipts: bool = False
    receipts_out_of_order: bool = False
    """Receipts come in random order within ``receipt_delay``, and an ENROUTE comes after the final one."""
    withhold_receipts: bool = False

    def take(self, name: str) -> bool:
        """Uses up one of the counted fault ``name``; whether there was one."""
        left: int = getattr(self, name)
        if left:
            setattr(self, name, left - 1)
        return left > 0


class Throttle:
    """A token bucket of one second's worth."""

    def __init__(self) -> None:
        self._rate: float | None = None
        self._tokens = 0.0
        self._at = 0.0

    def allows(self, rate: float | None, now: float) -> bool:
        """Whether one more is allowed at ``rate`` per second (None: always); ``now`` is the loop's time."""
        if rate is None:
            return True
        if rate != self._rate:
            self._rate, self._tokens = rate, max(1.0, rate)
        else:
            self._tokens = min(max(1.0, rate), self._tokens + (now - self._at) * rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
