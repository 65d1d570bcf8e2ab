"""``PUT /v1/inspect/keys/me``: a holder's public key; and their retirement."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Path
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.directory import organisation_of
from services.integrity.holders import repository
from services.integrity.holders.chain import End, add_leaf
from services.integrity.holders.staff import retire
from services.integrity.holders.statement import STATED, statement
from services.integrity.sealing.age import KeyInvalid, wrap
from shared.kit.auth import Principal, allow
from shared.kit.db import Transaction
from shared.kit.web.language import Text
from shared.kit.web.openapi import problem_responses
from shared.kit.web.problems import FORBIDDEN, NOT_FOUND, Problem
from shared.kit.web.validation import field_error

router = APIRouter(prefix="/v1/inspect", tags=["inspection"])

HolderRole = Literal["inspector", "supervisor", "custodian"]

ROLES: tuple[HolderRole, ...] = ("custodian", "supervisor", "inspector")
"""Of who has several, the first counts: a custodian's share is worth most when they read nothing else."""

Holder = Annotated[Principal, Depends(allow("staff", roles=ROLES))]
Supervisor = Annotated[Principal, Depends(allow("staff", roles=("supervisor",)))]
Username = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]

_NO_KEY = Text("این کلید عمومی age (age1…) درست نیست.", "This is not a public age key (age1…).")


def _recipient(value: str) -> str:
    try:
        wrap(b"", [value])
    except KeyInvalid:
        raise field_error("recipient_invalid", _NO_KEY) from None
    return value


Recipient = Annotated[
    str, StringConstraints(pattern=r"^age1[ac-hj-np-z02-9]{58}$", max_length=62), AfterValidator(_recipient)
]
"""A public age key of the X25519 kind."""


class KeyIn(BaseModel):
    """The public half of a key whose private half never leaves its holder's device."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipient: Recipient


class KeyOut(BaseModel):
    """The key as it is registered; ``leaf`` is the hash of its leaf in the log."""

    key_id: UUID
    recipient: str
    role: HolderRole
    registered_at: datetime
    leaf: str


@router.put("/keys/me", responses=problem_responses(403))
async def register_key(key: KeyIn, caller: Holder, connection: Transaction) -> KeyOut:
    """Registers the caller's public key. The same key again changes nothing, unless its holder was retired; another one
    counts for what is sealed from now on, and what was sealed to the old one stays so. Who left the staff since they
    logged in registers none."""
    await repository.lock_holder(connection, caller.subject)
    if await repository.has_left(connection, caller.subject, _role_of(caller)):
        raise Problem(FORBIDDEN)
    return await register(connection, caller, key.recipient, await organisation_of(connection, caller.department_id))


@router.delete("/keys/{username}", status_code=204, responses=problem_responses(403, 404))
async def retire_holder(username: Username, caller: Supervisor, connection: Transaction) -> None:
    """Retires a holder, to whom nothing new is sealed from now on; itself a leaf. What they hold already is taken away
    by assigning their reports to others. Registering a key makes them a holder again."""
    await repository.lock_holder(connection, username)
    held = await repository.holder(connection, username)
    if held is None or not held.active:
        raise Problem(NOT_FOUND)
    await retire(connection, held, actor=caller.subject)


def _role_of(caller: Principal) -> HolderRole:
    return next(role for role in ROLES if role in caller.roles)


async def register(
    connection: AsyncConnection, caller: Principal, recipient: str, organisation_id: str | None
) -> KeyOut:
    """Makes the key the caller's present one; ``organisation_id`` is the body that they belong to. Who they are is a
    leaf of its own whenever the log does not say it yet."""
    await repository.lock_holder(connection, caller.subject)
    held = await repository.holder(connection, caller.subject)
    role = _role_of(caller)
    person = {
        "username": caller.subject,
        "role": role,
        "province": caller.province,
        "organisation_id": organisation_id,
        "name": caller.name or caller.subject,
        "title": caller.title,
        "active": True,
    }
    end = End(0, None) if held is None else End(held.key_seq, held.last_leaf)
    said = await repository.last_statement(connection, caller.subject)
    if said != sha256(statement(person)).hexdigest():
        end = await add_leaf(connection, end, caller.subject, STATED, statement(person))
    if held is not None and held.recipient == recipient:
        key = await repository.key(connection, held.key_id)
    else:
        key, end = await _new_key(connection, caller.subject, recipient, end)
    await repository.put_holder(
        connection,
        **person,
        key_id=key.id,
        recipient=recipient,
        registered_at=key.registered_at,
        key_seq=end.seq,
        last_leaf=end.leaf,
    )
    return KeyOut(key_id=key.id, recipient=recipient, role=role, registered_at=key.registered_at, leaf=key.leaf.hex())


async def _new_key(connection: AsyncConnection, username: str, recipient: str, end: End) -> tuple[Any, End]:
    now = datetime.now(UTC)
    after = await add_leaf(connection, end, username, "key_registered", recipient.encode(), at=now)
    key = await repository.add_key(
        connection,
        id=uuid4(),
        username=username,
        seq=after.seq,
        recipient=recipient,
        registered_at=now,
        leaf=after.leaf,
    )
    return key, after
