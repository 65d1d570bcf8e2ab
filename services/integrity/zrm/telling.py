"""Telling that a day of ZRM stands in the log: by the sequencer, with the checkpoint that is first over it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg

from services.integrity.log.sequencer import Head
from services.integrity.reports.story import whole_hour
from services.integrity.zrm import repository
from services.integrity.zrm.roots import CHAIN
from shared.contracts.integrity import LogRooted, LogRootedData
from shared.kit.outbox import append_many


async def tell_rooted(connection: asyncpg.Connection, leaves: Sequence[bytes], head: Head) -> None:
    """Puts an event for each of the days whose leaves these are into the outbox, on the sequencer's connection. Its
    time is the hour, and its id random, as of all that integrity tells."""
    hour = whole_hour(datetime.now(UTC))
    rows = await repository.placed_roots(connection, leaves)
    await append_many(
        connection,
        [
            LogRooted(
                id=uuid4(),
                subject=CHAIN,
                time=hour,
                sequence=row["seq"],
                data=LogRootedData(
                    day=row["day"],
                    leaf=row["leaf_hash"].hex(),
                    index=row["index"],
                    size=head.size,
                    root=head.root.hex(),
                ),
            )
            for row in rows
        ],
    )
