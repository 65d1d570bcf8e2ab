"""A nudge within one process: 'there may be work now', besides the polling that never misses any."""

import asyncio


class Wake:
    """Set by whoever made work; a worker waits for it or for its poll, whichever is first.

    Each worker waits on one of its own (``another``): a nudge that one worker took would be lost to the others.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._others: list[Wake] = []

    def another(self) -> "Wake":
        """One more to wait on, set whenever this one is."""
        other = Wake()
        self._others.append(other)
        return other

    def set(self) -> None:
        """There may be work."""
        self._event.set()
        for other in self._others:
            other.set()

    def is_set(self) -> bool:
        """Whether somebody set it since the last wait."""
        return self._event.is_set()

    async def wait(self, seconds: float) -> None:
        """Returns when somebody set it since the last wait, or after ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return
        finally:
            self._event.clear()
