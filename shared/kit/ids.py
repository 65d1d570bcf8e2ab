"""Identifiers of aggregates and events: UUIDv7 (RFC 9562), which sort by time and keep indexes dense."""

from uuid import UUID

import uuid_utils


def uuid7() -> UUID:
    """A new UUIDv7 as the standard library's ``UUID``; monotonic within a process."""
    return UUID(bytes=uuid_utils.uuid7().bytes)
