"""routing: gives each case to a department and runs the desk at which it is answered."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.routing.assignment.consumers import CaseEvents, keep_sms_status
from services.routing.attachments.api import router as attachments_router
from services.routing.citizen.api import router as citizen_router
from services.routing.desk.api import router as desk_router
from services.routing.directory.api import router as directory_router
from services.routing.group.api import router as group_router
from services.routing.group.notices import TopicNotices
from services.routing.keys import RoutingKeys
from services.routing.review.api import router as review_router
from services.routing.review.closing import CLOSE_SECONDS, FOLD_SECONDS, Reviewer
from services.routing.settings import RoutingSettings
from shared.contracts.registry import ROUTING_CASES, ROUTING_SMS
from shared.kit.bus import Consumer
from shared.kit.clock import Clock
from shared.kit.db import Database
from shared.kit.files import SealedFiles
from shared.kit.runtime import Chassis, Job, Service

ROUTERS = (
    directory_router,
    desk_router,
    attachments_router,
    citizen_router,
    review_router,
    group_router,
)


@dataclass(frozen=True)
class Resources:
    """What lives as long as the process: the keys, and the files of cases."""

    keys: RoutingKeys
    files: SealedFiles


@asynccontextmanager
async def _resources(settings: RoutingSettings, _database: Database) -> AsyncIterator[Resources]:
    keys = RoutingKeys.load(settings)
    yield Resources(keys, SealedFiles(settings.attachments_dir, keys.text))


def _jobs(chassis: Chassis[RoutingSettings, Resources]) -> Sequence[Job]:
    database, broker = chassis.database, chassis.broker
    cases = CaseEvents(chassis.resources.keys)
    reviewer = Reviewer(database)
    return [
        Consumer(ROUTING_CASES, cases.handle, database=database, broker=broker),
        Consumer(ROUTING_SMS, keep_sms_status, database=database, broker=broker),
        Clock("review-fold", FOLD_SECONDS, reviewer.fold),
        Clock("review-close", CLOSE_SECONDS, reviewer.tick),
        TopicNotices(database),
    ]


SERVICE: Service[RoutingSettings, Resources] = Service(
    name="routing",
    settings=RoutingSettings,
    resources=_resources,
    routers=lambda _: ROUTERS,
    jobs=_jobs,
)
