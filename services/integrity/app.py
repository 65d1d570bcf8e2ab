"""integrity: corruption reports, in a process, a database and a role of its own."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI

from services.integrity import uploads
from services.integrity.box.api import router as box_router
from services.integrity.box.service import Box
from services.integrity.custody.api import router as custody_router
from services.integrity.directory import check_directory, keep_directory
from services.integrity.filing.api import router as filing_router
from services.integrity.filing.lookup import look_up
from services.integrity.filing.service import Filing
from services.integrity.filing.writing import write_reports
from services.integrity.forgetting.service import forget_after
from services.integrity.holders.api import router as holders_router
from services.integrity.holders.staff import keep_staff
from services.integrity.inspection.api import router as inspection_router
from services.integrity.inspection.deadlines import look_at_clocks
from services.integrity.inspection.leaving import take_back
from services.integrity.inspection.service import Inspection
from services.integrity.inspection.summary import router as summary_router
from services.integrity.keys import IntegrityKeys
from services.integrity.log.api import router as log_router
from services.integrity.log.feature import log_jobs
from services.integrity.log.keys import load_policy
from services.integrity.log.policy import Policy
from services.integrity.moving.api import router as moving_router
from services.integrity.moving.consumers import Moves
from services.integrity.moving.service import MovedReceipts
from services.integrity.reports.derivations import Derivations
from services.integrity.reports.files import Files
from services.integrity.reports.once import forget_keys
from services.integrity.settings import IntegritySettings
from services.integrity.zrm.roots import CHAIN, rooting
from services.integrity.zrm.tally import Tally
from services.integrity.zrm.telling import tell_rooted
from shared.contracts.registry import INTEGRITY_DIRECTORY, INTEGRITY_MOVES, INTEGRITY_STAFF
from shared.kit.bus import Consumer
from shared.kit.clock import Clock, exclusive
from shared.kit.db import Database
from shared.kit.runtime import Chassis, Check, Job, Service
from shared.kit.uploads import PATH, FolderStore, Limits, Uploads, install_uploads
from shared.kit.writer import PooledReader, PooledWriter

QUIET = ("/v1/reports", "/v1/inspect", "/v1/log", PATH)
"""No line of log and no trace of who asks what here."""


@dataclass(frozen=True)
class Resources:
    """What lives as long as the process: the keys, the log's policy, files under way and files of reports, and the use
    cases of reporters and inspectors."""

    keys: IntegrityKeys
    policy: Policy
    uploads: Uploads
    files: Files
    filing: Filing
    box: Box
    moved_receipts: MovedReceipts
    inspection: Inspection


@asynccontextmanager
async def _resources(settings: IntegritySettings, database: Database) -> AsyncIterator[Resources]:
    keys = IntegrityKeys.load(settings)
    derivations = Derivations(
        settings.receipt_service, at_once=settings.derivations_at_once, waiting=settings.derivations_waiting
    )
    under_way = uploads.make_uploads(settings, database)
    files = Files(under_way, FolderStore(settings.evidence_dir))
    async with (
        PooledReader(database, look_up, writers=1, batch=settings.filing_batch) as lookup,
        PooledWriter(database, write_reports, batch=settings.filing_batch) as writer,
    ):
        try:
            yield Resources(
                keys,
                load_policy(settings.keys_dir),
                under_way,
                files,
                Filing(settings, database, keys, derivations, files, lookup, writer),
                Box(settings, database, keys, derivations, files),
                MovedReceipts(settings, database, keys),
                Inspection(keys, files, settings.terms(), settings.quorum, settings.custodians),
            )
        finally:
            derivations.close()


def _jobs(chassis: Chassis[IntegritySettings, Resources]) -> Sequence[Job]:
    database, broker, settings = chassis.database, chassis.broker, chassis.settings

    receipts = chassis.resources.moved_receipts
    moves = Moves(chassis.resources.keys, chassis.resources.filing, receipts, settings.handover_dir)

    async def tidy() -> None:
        async with database.transaction() as connection:
            if await exclusive(connection, "tidy"):
                await forget_keys(connection)

    async def evidence() -> None:
        await chassis.resources.files.sweep(database)

    async def forgetting() -> None:
        if settings.forget_after_days is not None:
            await forget_after(database, chassis.resources.keys, settings.forget_after_days)

    async def clocks() -> None:
        await look_at_clocks(database, chassis.resources.keys, settings.terms())
        await take_back(database, chassis.resources.inspection)

    return [
        Consumer(INTEGRITY_DIRECTORY, keep_directory, database=database, broker=broker, concurrency=1),
        Consumer(INTEGRITY_STAFF, keep_staff, database=database, broker=broker),
        Consumer(INTEGRITY_MOVES, moves.handle, database=database, broker=broker),
        Clock("tidy", 3600, tidy),
        Clock("report-clocks", settings.clock_seconds, clocks),
        Clock("evidence", 24 * 3600, evidence),
        Clock("forgetting", 3600, forgetting),
        Clock("uploads", 60, chassis.resources.uploads.sweep),
        Clock("moved-receipts", 60, receipts.forget),
        Tally(database, broker),
        Clock("zrm-roots", 60, rooting(database)),
        *log_jobs(settings, database, {CHAIN: tell_rooted}),
    ]


def _checks(chassis: Chassis[IntegritySettings, Resources]) -> Mapping[str, Check]:
    return {"directory": lambda: check_directory(chassis.database)}


def _finish(api: FastAPI, chassis: Chassis[IntegritySettings, Resources]) -> None:
    install_uploads(api, chassis.resources.uploads)


SERVICE: Service[IntegritySettings, Resources] = Service(
    name="integrity",
    settings=IntegritySettings,
    resources=_resources,
    routers=lambda _: [
        filing_router,
        box_router,
        moving_router,
        holders_router,
        inspection_router,
        summary_router,
        custody_router,
        log_router,
        uploads.router,
    ],
    jobs=_jobs,
    checks=_checks,
    finish_api=_finish,
    body_limits={PATH: Limits().file_bytes},
    quiet=QUIET,
)
