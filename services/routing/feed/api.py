"""``GET /v1/desk/stream``: what happens at the desk, as Server-Sent Events (HTML Standard, 9.2).

Each reader looks into the database by itself, once a second, so any number of processes may write and serve; no event
is lost between them, because ids follow the database's transactions.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Request
from starlette.responses import StreamingResponse

from services.routing.desk.api import Staff
from services.routing.feed import repository
from services.routing.feed.repository import Position
from shared.kit.auth import Principal
from shared.kit.db import Database
from shared.kit.web.language import Text
from shared.kit.web.openapi import problem_responses
from shared.kit.web.problems import FieldFault, invalid_fields

router = APIRouter(prefix="/v1/desk/stream", tags=["desk"])

POLL_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 15.0
LASTS_SECONDS = 600.0
"""After that the reader comes again, with the token that it then has, and goes on where it stopped."""
_AT_ONCE = 500

_ID = re.compile(r"(\d{1,18})-(\d{1,19})")
_FIELDS = ("tracking_code", "step", "status", "department_id", "former_department_id", "province", "at")


@router.get(
    "",
    response_class=StreamingResponse,
    responses=problem_responses(403)
    | {200: {"description": "Events `case`, and `ready` and `reset`", "content": {"text/event-stream": {}}}},
)
async def stream(
    request: Request, caller: Staff, last_event_id: Annotated[str | None, Header(max_length=64)] = None
) -> StreamingResponse:
    """Every step of the cases within reach, from now on or after ``Last-Event-ID``.

    ``event: case`` names the case, its step and state, and its department before and after. ``ready`` comes first and
    has an id to go on from. ``reset`` says that what was asked for is not kept any more (seven days are): load anew.
    Comments keep the connection alive; it ends after ten minutes.
    """
    after = _position(last_event_id)
    database: Database = request.app.state.database
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(database, caller, after), media_type="text/event-stream", headers=headers)


def _position(last_event_id: str | None) -> Position | None:
    if not last_event_id:
        return None
    found = _ID.fullmatch(last_event_id)
    if found is None or int(found[2]) >= 2**63:
        text = Text("این شناسهٔ رویداد شناخته نیست.", "This event id is not known.")
        raise invalid_fields(FieldFault("/Last-Event-ID", "unknown_event_id", text, "header"))
    return int(found[1]), int(found[2])


async def _events(database: Database, caller: Principal, after: Position | None) -> AsyncIterator[bytes]:
    clock = asyncio.get_running_loop().time
    end, quiet_since = clock() + LASTS_SECONDS, clock()
    async with database.reading() as connection:
        lost = after is not None and not await repository.is_kept(connection, after)
        position = await repository.newest(connection) if after is None or lost else after
    yield b"retry: 2000\n" + _event("reset" if lost else "ready", position, {})
    while clock() < end:
        async with database.reading() as connection:
            rows, position = await repository.entries(connection, caller, position, limit=_AT_ONCE)
        for row in rows:
            data = {"case_id": str(row.case_id), **{name: getattr(row, name) for name in _FIELDS}}
            yield _event("case", (row.tx, row.id), data)
        if rows:
            quiet_since = clock()
        elif clock() - quiet_since > KEEP_ALIVE_SECONDS:
            quiet_since = clock()
            yield b": \n\n"
        if len(rows) < _AT_ONCE:
            await asyncio.sleep(POLL_SECONDS)


def _event(name: str, position: Position, data: dict[str, Any]) -> bytes:
    return b"id: %d-%d\nevent: %s\ndata: %s\n\n" % (*position, name.encode(), orjson.dumps(data))
