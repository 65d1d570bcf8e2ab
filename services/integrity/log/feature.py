"""What the service's worker does for the log."""

from collections.abc import Mapping

from services.integrity.log.keys import LogKeys
from services.integrity.log.sequencer import Sequencer, Tell
from services.integrity.log.settings import LogSettings
from shared.kit.db import Database
from shared.kit.runtime import Job


class _Sequencing:
    """The sequencer with its connections, which live as long as the job."""

    name = "sequencer"

    def __init__(self, settings: LogSettings, database: Database, tells: Mapping[str, Tell]) -> None:
        self._settings = settings
        self._database = database
        self._tells = tells
        self._keys = LogKeys.load(settings.keys_dir)

    async def run(self) -> None:
        """Sequences until cancelled."""
        ledger = Database.connect(self._settings.log_dsn(), pool_size=2)
        try:
            await Sequencer(
                service=self._database,
                ledger=ledger,
                keys=self._keys,
                witnesses=self._settings.log_witnesses,
                batch_seconds=self._settings.log_batch_seconds,
                tells=self._tells,
            ).run()
        finally:
            await ledger.close()


def log_jobs(settings: LogSettings, database: Database, tells: Mapping[str, Tell]) -> list[Job]:
    """The log's jobs; ``tells`` as the sequencer takes them."""
    return [_Sequencing(settings, database, tells)]
