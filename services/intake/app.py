"""intake: accepts what citizens file, and shows them how it goes."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from sqlalchemy import text

from services.intake.attachments.api import router as attachments_router
from services.intake.attachments.api import uploads as uploads_router
from services.intake.attachments.service import Attachments
from services.intake.cases.api import router
from services.intake.cases.consumers import keep_timeline
from services.intake.directory.known import Directory, keep_directory
from services.intake.disclosure.api import router as disclosure_router
from services.intake.filing import api as filing_api
from services.intake.filing.repository import forget_old_keys, write_cases
from services.intake.filing.service import CaseFiling
from services.intake.keys import IntakeKeys
from services.intake.moving.api import router as moving_router
from services.intake.moving.consumers import HandingOver
from services.intake.moving.repository import forget_expired_claims
from services.intake.settings import IntakeSettings
from shared.contracts.registry import INTAKE_DIRECTORY, INTAKE_MOVES, INTAKE_TIMELINE
from shared.kit.bus import Consumer
from shared.kit.clock import Clock, exclusive
from shared.kit.db import Database
from shared.kit.runtime import Chassis, Check, Job, Service
from shared.kit.uploads import PATH, Limits, install_uploads
from shared.kit.writer import GroupWriter


@dataclass(frozen=True)
class Resources:
    """What lives as long as the process: the keys, the way to file, what may be chosen, and the files."""

    keys: IntakeKeys
    filing: CaseFiling
    directory: Directory
    attachments: Attachments


@asynccontextmanager
async def _resources(settings: IntakeSettings, database: Database) -> AsyncIterator[Resources]:
    directory = Directory()
    writer = GroupWriter(database, write_cases, writers=settings.filing_writers, batch=settings.filing_batch)
    keys = IntakeKeys.load(settings)
    attachments = Attachments.make(settings, database, keys)
    reading = Clock("directory", 2, lambda: directory.refresh(database))
    async with writer, asyncio.TaskGroup() as group:
        task = group.create_task(reading.run())
        yield Resources(keys, CaseFiling(writer, database, keys, attachments), directory, attachments)
        task.cancel()


def _jobs(chassis: Chassis[IntakeSettings, Resources]) -> Sequence[Job]:
    database, broker, resources = chassis.database, chassis.broker, chassis.resources
    settings = chassis.settings
    moves = HandingOver(
        resources.keys, resources.attachments.files, settings.handover_dir, claim_days=settings.claim_days
    )

    async def tidy() -> None:
        async with database.transaction() as connection:
            if await exclusive(connection, "tidy"):
                await connection.execute(
                    text(
                        "SELECT ensure_case_partition((current_date + make_interval(months => n))::date)"
                        " FROM generate_series(0, 2) AS n"
                    )
                )
                await forget_old_keys(connection, days=settings.filing_key_days)
                await forget_expired_claims(connection)

    return [
        Consumer(INTAKE_TIMELINE, keep_timeline, database=database, broker=broker),
        Consumer(INTAKE_DIRECTORY, keep_directory, database=database, broker=broker, concurrency=1),
        Consumer(INTAKE_MOVES, moves.handle, database=database, broker=broker),
        Clock("tidy", 3600, tidy),
        Clock("uploads", 60, chassis.resources.attachments.uploads.sweep),
    ]


def _checks(chassis: Chassis[IntakeSettings, Resources]) -> Mapping[str, Check]:
    return {"directory": chassis.resources.directory.check}


def _finish(api: FastAPI, chassis: Chassis[IntakeSettings, Resources]) -> None:
    filing_api.install(api)
    install_uploads(api, chassis.resources.attachments.uploads)


SERVICE: Service[IntakeSettings, Resources] = Service(
    name="intake",
    settings=IntakeSettings,
    resources=_resources,
    routers=lambda _: [router, attachments_router, uploads_router, disclosure_router, moving_router],
    jobs=_jobs,
    checks=_checks,
    finish_api=_finish,
    body_limits={PATH: Limits().file_bytes},
)
