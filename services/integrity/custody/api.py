"""Custody over REST: a reporter's identity, a lost key. Custodians alone; what they open is opened on their devices."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from services.integrity.custody import schemas, service
from services.integrity.inspection.api import InspectionOf
from shared.kit.auth import Principal, allow
from shared.kit.db import Transaction
from shared.kit.web.openapi import problem_responses

router = APIRouter(prefix="/v1/inspect", tags=["inspection"])

Custodian = Annotated[Principal, Depends(allow("staff", roles=("custodian",)))]


@router.get("/custody", responses=problem_responses(403))
async def waiting(caller: Custodian, connection: Transaction) -> schemas.WaitingOut:
    """What waits for the caller: openings to give a share to, and reports that nobody can read."""
    return await service.waiting(connection, caller)


@router.get("/reports/{report_id}/identity", responses=problem_responses(403, 404))
async def identity_openings(report_id: UUID, caller: Custodian, connection: Transaction) -> schemas.OpeningsOut:
    """What was asked about the reporter's identity, with the caller's shares."""
    return schemas.OpeningsOut(items=await service.openings(connection, caller, report_id, "identity"))


@router.post("/reports/{report_id}/identity", responses=problem_responses(403, 404, 409))
async def open_identity(
    report_id: UUID,
    body: schemas.IdentityIn,
    caller: Custodian,
    connection: Transaction,
    inspection: InspectionOf,
) -> schemas.OpeningOut:
    """``{reason}`` asks for the reporter's identity, ``{request, shares}`` gives the caller's shares of it."""
    sent = body.root
    if isinstance(sent, schemas.Give):
        return await service.give(connection, caller, report_id, "identity", sent, inspection.keys)
    return await service.ask(connection, caller, report_id, "identity", sent, inspection.keys)


@router.get("/reports/{report_id}/recovery", responses=problem_responses(403, 404))
async def recovery_openings(report_id: UUID, caller: Custodian, connection: Transaction) -> schemas.OpeningsOut:
    """What was asked about the report's keys, with the caller's shares."""
    return schemas.OpeningsOut(items=await service.openings(connection, caller, report_id, "recovery"))


@router.post("/reports/{report_id}/recovery", responses=problem_responses(403, 404, 409))
async def recover_key(
    report_id: UUID,
    body: schemas.RecoveryIn,
    caller: Custodian,
    connection: Transaction,
    inspection: InspectionOf,
) -> schemas.OpeningOut:
    """``{reason, holder}`` asks for the report's keys in the name of whoever lost theirs, ``{request, shares}`` gives
    the caller's shares, ``{request, grants}`` hands the keys on."""
    sent = body.root
    if isinstance(sent, schemas.Give):
        return await service.give(connection, caller, report_id, "recovery", sent, inspection.keys)
    if isinstance(sent, schemas.Finish):
        return await service.finish(connection, caller, report_id, sent, inspection.keys)
    return await service.ask(connection, caller, report_id, "recovery", sent, inspection.keys)
