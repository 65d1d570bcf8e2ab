"""What the witnesses saw last, against the log as it is: a log that was cut or put back is shown by them alone."""

from collections.abc import Mapping

import asyncpg
import httpx

from services.integrity.auditing.findings import Finding
from services.integrity.log.asking import Refusal, SawOther, ask
from services.integrity.log.policy import Policy
from services.integrity.log.tiles import TileMissing, nodes_in_tiles, tiles_for
from shared.kit.tlog.checkpoint import Checkpoint
from shared.kit.tlog.cosignature import CosignatureVerifier
from shared.kit.tlog.merkle import consistency_proof, consistency_ranges
from shared.kit.tlog.notes import Malformed, Note, SignatureInvalid
from shared.kit.tlog.witness import Submission

_TILES = """
SELECT t.level, t.index, t.hashes
FROM log_tiles t JOIN unnest($1::smallint[], $2::bigint[]) AS w (level, index) USING (level, index)
"""
_TRIES = 30
"""The log and its couriers go on meanwhile."""


async def audit_witnesses(
    connection: asyncpg.Connection, policy: Policy, urls: Mapping[str, str]
) -> tuple[list[Finding], list[str]]:
    """Asks each witness to countersign the newest checkpoint (which it has, if all is well, or does now).

    The log may run: its newest checkpoint is read afresh for each question, outside of any transaction. Gives the
    findings, and the names of the witnesses that could not be asked.
    """
    findings, silent = [], []
    async with httpx.AsyncClient(timeout=5, trust_env=False, follow_redirects=False) as client:
        for witness in policy.witnesses:
            try:
                fault = await _fault(connection, client, urls[witness.name], witness)
            except (KeyError, httpx.HTTPError, TimeoutError, Malformed):
                silent.append(witness.name)
            else:
                findings += [Finding("witness", witness.name, fault)] if fault else []
    return findings, silent


async def _fault(
    connection: asyncpg.Connection, client: httpx.AsyncClient, url: str, witness: CosignatureVerifier
) -> str | None:
    """What the witness holds against the log, None if nothing; Malformed if its answers make no sense."""
    old: int | None = None
    for _ in range(_TRIES):
        newest = Note.parse(
            await connection.fetchval("SELECT note FROM log_checkpoints ORDER BY size DESC LIMIT 1") or ""
        )
        size = Checkpoint.parse(newest.text).size
        if old is not None and old > size:
            return f"FORK: it saw a log of {old} leaves, ours has {size}: leaves were removed, or a backup put back"
        old = size if old is None else old
        try:
            answer = await ask(client, url, witness, Submission(old, await _proof(connection, old, size), newest))
        except TileMissing:
            return f"it saw a log of {old} leaves; that ours begins with it cannot be shown, as tiles are missing"
        except SignatureInvalid:
            return "it answers, but not by its own key"
        match answer:
            case SawOther():
                old = answer.size
            case Refusal(disputes=True):
                return f"FORK: it saw another log of {old} leaves, which ours does not begin with"
            case Refusal():
                return f"it refuses our checkpoint (status {answer.status})"
            case _:
                return None
    raise Malformed("it never says what it saw")


async def _proof(connection: asyncpg.Connection, old: int, size: int) -> tuple[bytes, ...]:
    tiles = tiles_for(consistency_ranges(old, size))
    rows = await connection.fetch(_TILES, [level for level, _ in tiles], [index for _, index in tiles])
    nodes = nodes_in_tiles({(row["level"], row["index"]): row["hashes"] for row in rows})
    return tuple(consistency_proof(old, size, nodes))
