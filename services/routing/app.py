"""routing: gives each case to a department and runs the desk at which it is answered."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.routing.assignment.consumers import CaseEvents, keep_sms_status
from services.routing.attachments.api import router as attachments_router
from services.routing.citizen.api import router as citizen_router
from services.routing.classify.api import router as audit_router
from services.routing.classify.refit import nightly
from services.routing.classify.store import Models
from services.routing.clocks.service import EVERY_SECONDS, measure, tick
from services.routing.desk.api import router as desk_router
from services.routing.directory.api import router as directory_router
from services.routing.directory.editing_api import router as editing_router
from services.routing.duplicates.api import router as duplicates_router
from services.routing.feed.api import router as feed_router
from services.routing.feed.repository import forget_old
from services.routing.group.api import router as group_router
from services.routing.group.notices import TopicNotices
from services.routing.keys import RoutingKeys
from services.routing.review.api import router as review_router
from services.routing.review.closing import CLOSE_SECONDS, FOLD_SECONDS, LOOK_SECONDS, Reviewer
from services.routing.rules.api import router as rules_router
from services.routing.settings import RoutingSettings
from services.routing.staff.api import router as staff_router
from services.routing.staff.service import keep_staff, take_back
from services.routing.summary.api import router as summary_router
from services.routing.views.api import router as views_router
from shared.contracts.registry import ROUTING_CASES, ROUTING_SMS, ROUTING_STAFF
from shared.kit.bus import Consumer
from shared.kit.clock import Clock
from shared.kit.db import Database
from shared.kit.files import SealedFiles
from shared.kit.runtime import Chassis, Job, Service

LEARN_SECONDS = 600
"""How often it is looked whether it is night and nobody has refitted the classifier yet."""

ROUTERS = (
    directory_router,
    editing_router,
    staff_router,
    rules_router,
    audit_router,
    desk_router,
    duplicates_router,
    views_router,
    summary_router,
    feed_router,
    attachments_router,
    citizen_router,
    review_router,
    group_router,
)


@dataclass(frozen=True)
class Resources:
    """What lives as long as the process: the keys, the files of cases, and the classifier's models."""

    keys: RoutingKeys
    files: SealedFiles
    models: Models


@asynccontextmanager
async def _resources(settings: RoutingSettings, _database: Database) -> AsyncIterator[Resources]:
    keys = RoutingKeys.load(settings)
    yield Resources(keys, SealedFiles(settings.attachments_dir, keys.text), Models(settings.routing_dir))


def _jobs(chassis: Chassis[RoutingSettings, Resources]) -> Sequence[Job]:
    database, broker = chassis.database, chassis.broker
    models = chassis.resources.models
    cases = CaseEvents(chassis.resources.keys, models, chassis.settings.triage())
    reviewer = Reviewer(database)

    async def strike() -> None:
        await tick(database)
        await take_back(database)
        await measure(database)

    async def learn() -> None:
        await models.ensure_cold()
        await nightly(database, models)

    async def tidy() -> None:
        async with database.transaction(wakes=False) as connection:
            await forget_old(connection)

    return [
        Consumer(ROUTING_CASES, cases.handle, database=database, broker=broker),
        Consumer(ROUTING_SMS, keep_sms_status, database=database, broker=broker),
        Consumer(ROUTING_STAFF, keep_staff, database=database, broker=broker),
        Clock("clocks", EVERY_SECONDS, strike),
        Clock("classifier", LEARN_SECONDS, learn),
        Clock("desk-feed", 3600, tidy),
        Clock("review-fold", FOLD_SECONDS, reviewer.fold),
        Clock("review-look", LOOK_SECONDS, reviewer.look),
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
