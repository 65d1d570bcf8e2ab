"""sms: tells citizens at each step of their case, and brings login codes, over an operator's SMPP connection."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.sms.delivery.pump import Pump, Settler
from services.sms.delivery.quiet import QuietHours
from services.sms.delivery.reconcile import EVERY_SECONDS, Reconciler
from services.sms.delivery.reports import Reports
from services.sms.delivery.repository import give_up_expired
from services.sms.inbound.texts import InboundTexts
from services.sms.keys import SmsKeys
from services.sms.notices.consumers import NoticeTexts
from services.sms.operators.port import Urgency
from services.sms.operators.smpp.adapter import Originator, SmppOperator
from services.sms.operators.smpp.session import SmppSettings
from services.sms.otp.consumers import OtpTexts
from services.sms.settings import SmsSettings
from services.sms.steps.consumers import StepTexts
from shared.contracts.registry import SMS_NOTICES, SMS_OTP, SMS_STEPS, SMS_TOPICS
from shared.kit.bus import Consumer
from shared.kit.clock import Clock
from shared.kit.db import Database
from shared.kit.runtime import Chassis, Check, Job, Service

OPERATOR = "smpp"
BULK_AT_ONCE = 8


@dataclass(frozen=True)
class Resources:
    """What lives as long as the process: the keys, the operator's connection, and the writers of what it says."""

    keys: SmsKeys
    operator: SmppOperator
    settler: Settler
    reports: Reports


@asynccontextmanager
async def _resources(settings: SmsSettings, database: Database) -> AsyncIterator[Resources]:
    keys = SmsKeys.load(settings)
    settler = Settler(database)
    reports = Reports(OPERATOR, database)
    operator = SmppOperator(
        SmppSettings(
            host=settings.smsc_host,
            port=settings.smsc_port,
            system_id=settings.smsc_system_id,
            password=settings.smsc_password.get_secret_value(),
            window=settings.smsc_window,
        ),
        Originator(settings.sms_from),
        on_report=reports.take,
        on_inbound=InboundTexts(database, keys).take,
        name=OPERATOR,
    )
    async with settler.writer, reports.writer:
        yield Resources(keys, operator, settler, reports)


class _Connection:
    """The operator's connection as a job of the worker."""

    name = "smpp"

    def __init__(self, operator: SmppOperator) -> None:
        self._operator = operator

    async def run(self) -> None:
        """Keeps it bound until cancelled."""
        await self._operator.run()


def _jobs(chassis: Chassis[SmsSettings, Resources]) -> Sequence[Job]:
    database, broker, own = chassis.database, chassis.broker, chassis.resources

    def pump(name: str, urgency: Urgency, at_once: int, quiet: QuietHours | None = None) -> Pump:
        return Pump(
            name,
            [urgency],
            database=database,
            operator=own.operator,
            settler=own.settler,
            keys=own.keys,
            wake=database.wake.another(),
            at_once=at_once,
            quiet=quiet,
        )

    quiet = QuietHours(chassis.settings.sms_quiet_from, chassis.settings.sms_quiet_until)

    async def expire() -> None:
        connection = await database.direct()
        try:
            await give_up_expired(connection)
        finally:
            await connection.close()

    return [
        _Connection(own.operator),
        Consumer(SMS_STEPS, StepTexts(own.keys).handle, database=database, broker=broker, causal=True),
        Consumer(SMS_OTP, OtpTexts(own.keys).handle, database=database, broker=broker),
        Consumer(SMS_NOTICES, NoticeTexts(own.keys).handle, database=database, broker=broker),
        Consumer(SMS_TOPICS, StepTexts(own.keys, Urgency.BULK).handle, database=database, broker=broker),
        pump("pump-otp", Urgency.OTP, 16),
        pump("pump-steps", Urgency.STEP, chassis.settings.sms_at_once),
        pump("pump-bulk", Urgency.BULK, BULK_AT_ONCE, quiet),
        Clock("expire-codes", 30, expire),
        Clock("reconcile", EVERY_SECONDS, Reconciler(database, own.operator, own.reports).tick),
    ]


def _checks(chassis: Chassis[SmsSettings, Resources]) -> Mapping[str, Check]:
    async def bound() -> None:
        if not chassis.resources.operator.ready:
            raise RuntimeError("not bound to the SMSC")

    return {"smsc": bound} if chassis.role != "api" else {}


SERVICE: Service[SmsSettings, Resources] = Service(
    name="sms",
    settings=SmsSettings,
    resources=_resources,
    routers=lambda _: [],
    jobs=_jobs,
    checks=_checks,
)
