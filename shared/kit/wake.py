"""A nudge within one process: 'there may be work now', besides the polling that never misses any."""

import asyncio


class Wake:
    """Set by whoever made work; a worker waits for it or for its poll, whichever is first."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """There may be work."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Returns when somebody set it since the last wait, or after ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return
        finally:
            self._event.clear()
