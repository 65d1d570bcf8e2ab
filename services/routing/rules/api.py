"""The ordered rules at the desk: read, replaced as a whole, tried before."""

from fastapi import APIRouter, Response

from services.routing.desk.api import Centre, Keys, KnownModels
from services.routing.rules import service
from services.routing.rules.schemas import DryRunOut, RulesIn, RulesOut
from shared.kit.db import Reading, Transaction
from shared.kit.web.etags import IfMatch, etag
from shared.kit.web.openapi import problem_responses

router = APIRouter(prefix="/v1/desk/rules", tags=["directory"])


@router.get("", responses=problem_responses(403))
async def show(response: Response, _caller: Centre, connection: Reading) -> RulesOut:
    """All rules, in the order in which they are tried; the ``ETag`` is for replacing them."""
    found = await service.whole(connection)
    response.headers["ETag"] = etag(found.version)
    return found


@router.put("", responses=problem_responses(403, 412, 428))
async def replace(
    rules: RulesIn, response: Response, caller: Centre, connection: Transaction, if_match: IfMatch = None
) -> RulesOut:
    """Replaces all rules."""
    version = await service.replace(connection, caller, rules.items, if_match)
    response.headers["ETag"] = etag(version)
    return await service.whole(connection)


@router.post("/dry-run", responses=problem_responses(403))
async def dry_run(rules: RulesIn, _caller: Centre, connection: Reading, keys: Keys, models: KnownModels) -> DryRunOut:
    """How many of the last thirty days' cases would have gone elsewhere under these rules; changes nothing."""
    return await service.dry_run(connection, keys, models, rules.items)
