"""integrity: corruption reports, in a process, a database and a role of its own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.integrity.log.api import router as log_router
from services.integrity.log.feature import log_jobs
from services.integrity.log.keys import load_policy
from services.integrity.log.policy import Policy
from services.integrity.log.settings import LogSettings
from shared.kit.db import Database
from shared.kit.runtime import Chassis, Job, Service


@dataclass(frozen=True)
class Resources:
    """What lives as long as the process."""

    policy: Policy


@asynccontextmanager
async def _resources(settings: LogSettings, _database: Database) -> AsyncIterator[Resources]:
    yield Resources(load_policy(settings.keys_dir))


def _jobs(chassis: Chassis[LogSettings, Resources]) -> Sequence[Job]:
    return log_jobs(chassis.settings, chassis.database)


SERVICE: Service[LogSettings, Resources] = Service(
    name="integrity",
    settings=LogSettings,
    resources=_resources,
    routers=lambda _: [log_router],
    jobs=_jobs,
)
