"""``/v1/reports/session`` and ``/v1/reports/mine``."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from services.integrity.box.schemas import MessageIn, MineOut, SentOut, SessionIn, SessionOpened
from services.integrity.box.service import Box
from services.integrity.filing.api import Keys
from services.integrity.reports.once import Once
from shared.kit.auth import Anybody, Principal, allow
from shared.kit.web.language import preferred_language
from shared.kit.web.openapi import problem_responses

router = APIRouter(prefix="/v1/reports", tags=["reports"])

Reporter = Annotated[Principal, Depends(allow("reporter"))]


def _box(request: Request) -> Box:
    box: Box = request.app.state.resources.box
    return box


UseBox = Annotated[Box, Depends(_box)]


@router.post("/session", responses=problem_responses(401))
async def open_session(session: SessionIn, box: UseBox, _caller: Anybody) -> SessionOpened:
    """Which report a receipt code opens; the gateway makes the token of it."""
    return await box.open(session)


@router.get("/mine", responses=problem_responses(404))
async def mine(request: Request, box: UseBox, caller: Reporter) -> MineOut:
    """The reporter's own report: its state, steps with their receipts, and messages both ways."""
    return await box.show(caller, preferred_language(request.headers.get("accept-language")))


@router.post("/mine/messages", status_code=201, responses=problem_responses(404, 409))
async def write(message: MessageIn, once: Once, box: UseBox, keys: Keys, caller: Reporter) -> SentOut:
    """A message to whoever works on the report."""
    return await box.write(caller, message, once.of(f"report:{caller.subject}", keys))
