"""The queries on login codes, logins, staff and partners."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection


async def codes_within_hour(connection: AsyncConnection, citizen_id: UUID) -> int:
    """How many codes a number was sent in the last hour; holds the number's lock until the transaction ends, so that
    two requests at a time are counted one after the other."""
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(5320, :key)"), {"key": int.from_bytes(citizen_id.bytes[:4], "big") >> 1}
    )
    count = await connection.scalar(
        text(
            "SELECT count(*) FROM otp_challenges WHERE citizen_id = :citizen"
            " AND created_at > clock_timestamp() - interval '1 hour'"
        ),
        {"citizen": citizen_id},
    )
    return int(count or 0)


async def add_challenge(connection: AsyncConnection, **values: Any) -> None:
    """Keeps a code that is being sent."""
    await connection.execute(
        text(
            "INSERT INTO otp_challenges (id, citizen_id, mobile_sealed, code_hash, expires_at)"
            " VALUES (:id, :citizen_id, :mobile_sealed, :code_hash, :expires_at)"
        ),
        values,
    )


async def try_challenge(connection: AsyncConnection, id: UUID, *, tries: int) -> Row[Any] | None:
    """Counts one try at a code; None when it is unknown, used, expired or was tried ``tries`` times."""
    return (
        await connection.execute(
            text(
                "UPDATE otp_challenges SET tries = tries + 1 WHERE id = :id AND used_at IS NULL AND tries < :tries"
                " AND expires_at > clock_timestamp() RETURNING code_hash, citizen_id, mobile_sealed"
            ),
            {"id": id, "tries": tries},
        )
    ).one_or_none()


async def use_challenge(connection: AsyncConnection, id: UUID) -> bool:
    """Uses a code up; False if somebody else did in the same moment."""
    used = await connection.execute(
        text("UPDATE otp_challenges SET used_at = clock_timestamp() WHERE id = :id AND used_at IS NULL"), {"id": id}
    )
    return used.rowcount == 1


async def staff(connection: AsyncConnection, username: str, *, lock: bool = False) -> Row[Any] | None:
    """A member of staff who may log in: not disabled, and confirmed; the row locked if it decides on a login."""
    query = "SELECT * FROM staff WHERE username = :username AND NOT disabled AND confirmed"
    found = await connection.execute(text(f"{query} FOR UPDATE" if lock else query), {"username": username})
    return found.one_or_none()


async def choose_password(connection: AsyncConnection, username: str, hash: str) -> None:
    """The password that somebody chose for themselves."""
    await connection.execute(
        text("UPDATE staff SET password_hash = :hash, password_until = NULL WHERE username = :username"),
        {"hash": hash, "username": username},
    )


async def end_logins(connection: AsyncConnection, username: str) -> list[UUID]:
    """Ends all logins of a member of staff; which those were."""
    query = text(
        "UPDATE refresh_families SET revoked_at = clock_timestamp()"
        " WHERE kind = 'staff' AND subject = :username AND revoked_at IS NULL RETURNING id"
    )
    return list((await connection.execute(query, {"username": username})).scalars())


async def use_totp_step(connection: AsyncConnection, username: str, step: int) -> bool:
    """Takes a TOTP step; False if it, or a later one, was used before (RFC 6238, 5.2)."""
    taken = await connection.execute(
        text("UPDATE staff SET totp_last_step = :step WHERE username = :username AND totp_last_step < :step"),
        {"username": username, "step": step},
    )
    return taken.rowcount == 1


async def partner(connection: AsyncConnection, client_id: str) -> Row[Any] | None:
    """A partner that is not disabled."""
    return (
        await connection.execute(
            text("SELECT * FROM partners WHERE client_id = :client AND NOT disabled"), {"client": client_id}
        )
    ).one_or_none()


async def add_family(
    connection: AsyncConnection, *, id: UUID, kind: str, subject: str, mobile_sealed: str | None, expires_at: datetime
) -> None:
    """Begins a login."""
    await connection.execute(
        text(
            "INSERT INTO refresh_families (id, kind, subject, mobile_sealed, expires_at)"
            " VALUES (:id, :kind, :subject, :mobile_sealed, :expires_at)"
        ),
        {"id": id, "kind": kind, "subject": subject, "mobile_sealed": mobile_sealed, "expires_at": expires_at},
    )


async def add_refresh_token(connection: AsyncConnection, hash: bytes, family_id: UUID) -> None:
    """One more refresh token of a login."""
    await connection.execute(
        text("INSERT INTO refresh_tokens (hash, family_id) VALUES (:hash, :family)"),
        {"hash": hash, "family": family_id},
    )


async def refresh_token(connection: AsyncConnection, hash: bytes) -> Row[Any] | None:
    """A refresh token of a login that goes on, its row locked; ``used_seconds`` ago it was used, if it was."""
    return (
        await connection.execute(
            text(
                "SELECT t.hash, f.id AS family_id, f.kind, f.subject, f.mobile_sealed,"
                " extract(epoch FROM clock_timestamp() - t.used_at) AS used_seconds"
                " FROM refresh_tokens t JOIN refresh_families f ON f.id = t.family_id"
                " WHERE t.hash = :hash AND f.revoked_at IS NULL AND f.expires_at > clock_timestamp() FOR UPDATE OF t"
            ),
            {"hash": hash},
        )
    ).one_or_none()


async def use_refresh_token(connection: AsyncConnection, hash: bytes) -> None:
    """Marks a refresh token as used."""
    await connection.execute(
        text("UPDATE refresh_tokens SET used_at = coalesce(used_at, clock_timestamp()) WHERE hash = :hash"),
        {"hash": hash},
    )


async def revoke_family(connection: AsyncConnection, family_id: UUID) -> None:
    """Ends a login."""
    await connection.execute(
        text("UPDATE refresh_families SET revoked_at = clock_timestamp() WHERE id = :id AND revoked_at IS NULL"),
        {"id": family_id},
    )


async def lately_revoked(connection: AsyncConnection, *, seconds: int) -> frozenset[UUID]:
    """Logins that ended within the last ``seconds``, and those of whoever is disabled."""
    rows = await connection.execute(
        text(
            "SELECT id FROM refresh_families WHERE revoked_at > clock_timestamp() - make_interval(secs => :seconds)"
            " UNION ALL SELECT f.id FROM staff s JOIN refresh_families f ON f.kind = 'staff' AND f.subject = s.username"
            " WHERE s.disabled AND f.expires_at > clock_timestamp()"
            " UNION ALL SELECT f.id FROM partners p JOIN refresh_families f"
            " ON f.kind = 'partner' AND f.subject = p.client_id WHERE p.disabled AND f.expires_at > clock_timestamp()"
        ),
        {"seconds": seconds},
    )
    return frozenset(row.id for row in rows)


async def forget(connection: AsyncConnection) -> None:
    """Deletes codes of yesterday and logins that ended a day ago."""
    await connection.execute(text("DELETE FROM otp_challenges WHERE created_at < clock_timestamp() - interval '1 day'"))
    await connection.execute(
        text(
            "DELETE FROM refresh_families WHERE expires_at < clock_timestamp() - interval '1 day'"
            " OR revoked_at < clock_timestamp() - interval '1 day'"
        )
    )


async def put_partner(connection: AsyncConnection, **values: Any) -> None:
    """Creates or replaces a partner."""
    await connection.execute(
        text(
            "INSERT INTO partners (client_id, secret_hash, name, scopes)"
            " VALUES (:client_id, :secret_hash, :name, :scopes) ON CONFLICT (client_id) DO UPDATE SET"
            " secret_hash = excluded.secret_hash, name = excluded.name, scopes = excluded.scopes"
        ),
        values,
    )
