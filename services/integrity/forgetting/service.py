"""Forgetting who filed a report: what tells of the person goes, what was reported and what was done about it stays.

What goes: name and number and the shares of their key, the number to notify, the copies in the reporter's box and what
the receipt code opens it by, and the nonces of the leaves of what the reporter did, so that nobody can show any more
whose they are. The tree, the chain and every manifest stay, and the step that does it, ``forgotten``, is a leaf itself.
"""

import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.forgetting import repository
from services.integrity.forgetting.domain import FORGOTTEN, DeadBox, Refusal, refusal
from services.integrity.inspection.repository import holders_of
from services.integrity.keys import IntegrityKeys
from services.integrity.reports.content import seal_content
from services.integrity.reports.repository import report_by_locator
from services.integrity.reports.story import SYSTEM, Step, take
from services.integrity.sealing.age import SecretKey
from services.integrity.sealing.receipt_code import ReceiptCode
from shared.kit.clock import exclusive
from shared.kit.db import Database
from shared.persian.digits import to_persian

_BATCH = 100


async def forget_reporter(
    connection: AsyncConnection, report_no: str, reason: str, keys: IntegrityKeys
) -> Refusal | None:
    """Forgets who filed the report of that number, in the caller's transaction; why not, if it is not done.

    The reason is sealed to the report's readers and to the custodians, as those of their openings are.
    """
    report = await repository.report_by_number(connection, report_no)
    before = report is not None and await repository.was_forgotten(connection, report.id)
    if refused := refusal(report.state if report is not None else None, before=before):
        return refused
    custodians = await holders_of(connection, "custodian")
    box = await _dead_box(connection)
    theirs = await repository.reporters_steps(connection, report.id)
    step = Step(
        FORGOTTEN,
        SYSTEM,
        datetime.now(UTC),
        data=box.data([row.seq for row in theirs]),
        sealed=seal_content({"reason": reason}, [report.recipient, *(row.recipient for row in custodians)]),
        changes={
            "identity_sealed": None,
            "identity_recipient": None,
            "notify_sealed": None,
            "locator": box.locator,
            "auth_hash": box.auth_hash,
            "box_recipient": box.recipient,
        },
    )
    await take(connection, report, step, keys)
    await repository.forget(connection, report.id, report_no, [row.leaf for row in theirs])
    return None


async def forget_after(database: Database, keys: IntegrityKeys, days: int, *, now: datetime | None = None) -> int:
    """Forgets the reporters of the reports that ended ``days`` days before ``now`` or earlier; how many. One worker at
    a time does; each report is a transaction of its own."""
    ended = (now or datetime.now(UTC)) - timedelta(days=days)
    reason = f"مدت نگهداری ({to_persian(str(days))} روز پس از پایان رسیدگی) گذشت."
    done = 0
    async with database.transaction(wakes=False) as guard:
        if not await exclusive(guard, "forgetting"):
            return 0
        while numbers := await repository.ended_before(guard, ended, _BATCH):
            for number in numbers:
                async with database.transaction() as connection:
                    done += await forget_reporter(connection, number, reason, keys) is None
    return done


async def _dead_box(connection: AsyncConnection) -> DeadBox:
    """A box whose code and key are thrown away."""
    code = ReceiptCode.generate()
    while await report_by_locator(connection, code.locator) is not None:
        code = ReceiptCode.generate()
    return DeadBox(code.locator, secrets.token_bytes(32), SecretKey.generate().recipient)
