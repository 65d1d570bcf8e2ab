"""integrity: corruption reports, in a process, a database and a role of its own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI

from services.integrity import uploads
from services.integrity.settings import IntegritySettings
from shared.kit.clock import Clock
from shared.kit.db import Database
from shared.kit.runtime import Chassis, Job, Service
from shared.kit.uploads import PATH, Limits, Uploads, install_uploads


@dataclass(frozen=True)
class Resources:
    """What lives as long as the process: the files under way."""

    uploads: Uploads


@asynccontextmanager
async def _resources(settings: IntegritySettings, database: Database) -> AsyncIterator[Resources]:
    yield Resources(uploads.make_uploads(settings, database))


def _jobs(chassis: Chassis[IntegritySettings, Resources]) -> Sequence[Job]:
    return [Clock("uploads", 60, chassis.resources.uploads.sweep)]


def _finish(api: FastAPI, chassis: Chassis[IntegritySettings, Resources]) -> None:
    install_uploads(api, chassis.resources.uploads)


SERVICE: Service[IntegritySettings, Resources] = Service(
    name="integrity",
    settings=IntegritySettings,
    resources=_resources,
    routers=lambda _: [uploads.router],
    jobs=_jobs,
    finish_api=_finish,
    body_limits={PATH: Limits().file_bytes},
    quiet=(PATH,),
)
