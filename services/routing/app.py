"""routing: gives each case to a department and runs the desk at which it is answered."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.routing.assignment.consumers import CaseEvents, keep_sms_status
from services.routing.citizen.api import router as citizen_router
from services.routing.clocks.service import EVERY_SECONDS, tick
from services.routing.desk.api import router as desk_router
from services.routing.directory.api import router as directory_router
from services.routing.directory.editing_api import router as editing_router
from services.routing.keys import RoutingKeys
from services.routing.rules.api import router as rules_router
from shared.contracts.registry import ROUTING_CASES, ROUTING_SMS
from shared.kit.bus import Consumer
from shared.kit.clock import Clock
from shared.kit.db import Database
from shared.kit.runtime import Chassis, Job, Service
from shared.kit.settings import ServiceSettings


@dataclass(frozen=True)
class Resources:
    """What lives as long as the process: the keys."""

    keys: RoutingKeys


@asynccontextmanager
async def _resources(settings: ServiceSettings, _database: Database) -> AsyncIterator[Resources]:
    yield Resources(RoutingKeys.load(settings))


def _jobs(chassis: Chassis[ServiceSettings, Resources]) -> Sequence[Job]:
    database, broker = chassis.database, chassis.broker
    cases = CaseEvents(chassis.resources.keys)

    async def strike() -> None:
        await tick(database)

    return [
        Consumer(ROUTING_CASES, cases.handle, database=database, broker=broker),
        Consumer(ROUTING_SMS, keep_sms_status, database=database, broker=broker),
        Clock("clocks", EVERY_SECONDS, strike),
    ]


SERVICE: Service[ServiceSettings, Resources] = Service(
    name="routing",
    settings=ServiceSettings,
    resources=_resources,
    routers=lambda _: [directory_router, editing_router, rules_router, desk_router, citizen_router],
    jobs=_jobs,
)
