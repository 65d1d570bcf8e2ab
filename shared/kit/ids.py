"""Identifiers of aggregates and events: UUIDv7 (RFC 9562), which sort by time and keep indexes dense."""

from uuid import UUID

import uuid_utils


def uuid7() -> UUID:
    """A new UUIDv7 as the standard library's ``UUID``; monotonic within a process."""
    return UUID(bytes=uuid_utils.uuid7().bytes)


def random_hex(length: int) -> str:
    """``length`` bytes (1 to 16) in lowercase hex to tell requests and traces apart; no secret, since six bits are not
    random. Unlike ``os.urandom`` it hands the interpreter to no other thread."""
    return uuid_utils.uuid4().hex[: 2 * length]
