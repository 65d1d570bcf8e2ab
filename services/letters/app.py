"""letters: the final written outcome of a case, numbered, rendered, signed and kept."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import APIRouter

from services.letters.api import router
from services.letters.archive import FolderArchive
from services.letters.consumers import keep, keep_log
from services.letters.keys import LettersKeys
from services.letters.press.press import Press
from services.letters.press.rendering import Look, Sender, Window
from services.letters.press.worker import LetterMaker
from services.letters.settings import LettersSettings
from shared.contracts.registry import LETTERS_CASES, LETTERS_LOG
from shared.kit.bus import Consumer
from shared.kit.db import Database
from shared.kit.runtime import Chassis, Job, Service
from shared.kit.tlog.endpoint import PATH as WITNESS_PATH
from shared.kit.tlog.endpoint import load_witness, witness_router
from shared.kit.tlog.keeping import KeptCheckpoints


@dataclass(frozen=True)
class Resources:
    """What lives as long as the process."""

    keys: LettersKeys
    archive: FolderArchive


@asynccontextmanager
async def _resources(settings: LettersSettings, _database: Database) -> AsyncIterator[Resources]:
    yield Resources(LettersKeys.load(settings), FolderArchive(settings.letters_dir))


class _Maker:
    """The letter maker with its presses, which live as long as the job."""

    name = "letters"

    def __init__(self, chassis: Chassis[LettersSettings, Resources]) -> None:
        self._chassis = chassis

    async def run(self) -> None:
        """Makes letters until cancelled."""
        settings, own = self._chassis.settings, self._chassis.resources
        press = Press(
            _look(settings), keys=settings.keys_dir, tsa_url=settings.tsa_url, processes=settings.letters_presses
        )
        try:
            await press.warm()
            await LetterMaker(
                database=self._chassis.database,
                keys=own.keys,
                press=press,
                archive=own.archive,
                office_number=settings.letters_office,
                public_url=settings.public_url,
                at_once=settings.letters_presses,
            ).run()
        finally:
            press.close()


def _look(settings: LettersSettings) -> Look:
    window = Window(
        settings.window_left_mm, settings.window_top_mm, settings.window_width_mm, settings.window_height_mm
    )
    sender = Sender(settings.letters_address_fa, settings.letters_address_en, settings.letters_phone)
    return Look(settings.fonts_dir, window, sender)


def _jobs(chassis: Chassis[LettersSettings, Resources]) -> Sequence[Job]:
    database, broker = chassis.database, chassis.broker
    return [
        Consumer(LETTERS_CASES, keep, database=database, broker=broker),
        Consumer(LETTERS_LOG, keep_log, database=database, broker=broker, concurrency=1),
        _Maker(chassis),
    ]


def _routers(chassis: Chassis[LettersSettings, Resources]) -> Sequence[APIRouter]:
    """Letters' own, and the witness's, which no route of the gateway leads to."""
    witness = load_witness(chassis.settings.keys_dir, "letters", KeptCheckpoints(chassis.database))
    return [router, witness_router(witness)]


SERVICE: Service[LettersSettings, Resources] = Service(
    name="letters",
    settings=LettersSettings,
    resources=_resources,
    routers=_routers,
    quiet=(WITNESS_PATH,),
    jobs=_jobs,
)
