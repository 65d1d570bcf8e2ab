"""The log over REST, for everybody (C2SP tlog-tiles): checkpoint, tiles of hashes, keys, and the proof of a leaf."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel
from starlette.responses import PlainTextResponse

from services.integrity.log import repository
from services.integrity.log.chain import proof_of, shown_checkpoint
from services.integrity.log.policy import Policy
from services.integrity.log.tiles import Tile, has_tile
from shared.kit.auth import Anybody
from shared.kit.db import Reading
from shared.kit.tlog.merkle import HASH_BYTES
from shared.kit.tlog.notes import Malformed
from shared.kit.web.openapi import problem_responses
from shared.kit.web.problems import NOT_FOUND, Problem

router = APIRouter(prefix="/v1/log", tags=["log"])

_NOW = {"Cache-Control": "public, max-age=1"}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


class KeysOut(BaseModel):
    """Whom a checkpoint is believed by: ``quorum`` of ``witnesses`` and one of ``logs`` must have signed it. The keys
    are C2SP verifier keys. For comparing with one's own copy: what is asked of the log itself is not pinned."""

    origin: str
    logs: list[str]
    witnesses: list[str]
    quorum: int


class ProofOut(BaseModel):
    """``proof`` is a C2SP ``tlog-proof``, which ends with ``checkpoint``, a signed note; ``leaf`` its hash in hex."""

    leaf: str
    index: int
    proof: str
    checkpoint: str


def _policy(request: Request) -> Policy:
    policy: Policy = request.app.state.resources.policy
    return policy


LogPolicy = Annotated[Policy, Depends(_policy)]


def _text(content: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": content}}


@router.get(
    "/checkpoint",
    response_class=PlainTextResponse,
    responses={**_text({"text/plain": {"schema": {"type": "string"}}}), **problem_responses(404)},
)
async def checkpoint(_caller: Anybody, connection: Reading, policy: LogPolicy) -> PlainTextResponse:
    """The newest checkpoint: a signed note, with the countersignatures of the witnesses."""
    note = await shown_checkpoint(connection, policy.quorum)
    if note is None:
        raise Problem(NOT_FOUND)
    return PlainTextResponse(str(note), headers=_NOW)


@router.get(
    "/tile/{path:path}",
    response_class=Response,
    responses={**_text({"application/octet-stream": {}}), **problem_responses(404)},
)
async def tile(
    path: Annotated[str, Path(description="`<level>/<index>` or `<level>/<index>.p/<width>`, as tlog-tiles writes it")],
    _caller: Anybody,
    connection: Reading,
) -> Response:
    """The hashes of a tile. There are no tiles of entries: they would show a reporter's rhythm."""
    try:
        wanted = Tile.parse(path)
    except Malformed:
        raise Problem(NOT_FOUND) from None
    newest = await repository.newest_checkpoint(connection)
    if newest is None or not has_tile(wanted, newest.size):
        raise Problem(NOT_FOUND)
    place = (wanted.level, wanted.index)
    hashes = (await repository.tiles(connection, [place])).get(place, b"")[: wanted.width * HASH_BYTES]
    # a partial tile, too, never changes: it is the beginning of what the tile becomes
    return Response(hashes, media_type="application/octet-stream", headers=_FOR_EVER)


@router.get("/key")
async def key(_caller: Anybody, policy: LogPolicy, response: Response) -> KeysOut:
    """The keys of log and witnesses."""
    response.headers.update({"Cache-Control": "public, max-age=300"})
    return KeysOut.model_validate(policy.document())


@router.get("/proof", responses=problem_responses(404))
async def proof(
    leaf: Annotated[str, Query(pattern="^[0-9a-f]{64}$", description="the leaf's hash, in lowercase hex")],
    _caller: Anybody,
    connection: Reading,
    policy: LogPolicy,
) -> ProofOut:
    """The proof that a leaf is in the log; 404 until a checkpoint is over it."""
    rows = await repository.leaves_by_hash(connection, [bytes.fromhex(leaf)])
    places = [row.place for row in rows if row.place is not None]
    found = await proof_of(connection, places[0], quorum=policy.quorum) if places else None
    if found is None:
        raise Problem(NOT_FOUND)
    return ProofOut(leaf=leaf, index=found.index, proof=str(found), checkpoint=str(found.note))
