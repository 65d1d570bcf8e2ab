"""The short messages that the simulator took, and the phones that show them; in a journal, if there is to be one."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from services.sms.operators.smpp.constants import MessageState


@dataclass(frozen=True, slots=True)
class Message:
    """One short message as it was taken: a whole text or, with ``total`` > 1, a part of one."""

    provider_id: str
    sender: str
    recipient: str
    text: str
    at: datetime
    state: int
    client_id: str = ""
    reference: int = 0
    total: int = 1
    number: int = 1


@dataclass(frozen=True, slots=True)
class Text:
    """A text as a phone shows it, when all of its parts have come."""

    text: str
    sender: str
    received_at: datetime


@dataclass(slots=True)
class _Phone:
    texts: list[Text] = field(default_factory=list)
    incomplete: dict[tuple[str, int, int], dict[int, str]] = field(default_factory=dict)


class Store:
    """Keeps messages in memory and, one JSON line each, in ``journal``: written before the sender is answered, read
    again at the next start. The journal outlives the process, not the machine (no fsync)."""

    def __init__(self, journal: Path | None = None) -> None:
        self._by_id: dict[str, Message] = {}
        self._by_client_id: dict[str, Message] = {}
        self._phones: dict[str, _Phone] = {}
        self._journal: int | None = None
        if journal is not None:
            for message in _read(journal):
                self._remember(message)
            self._journal = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def close(self) -> None:
        """Closes the journal."""
        if self._journal is not None:
            os.close(self._journal)
            self._journal = None

    def keep(self, message: Message) -> None:
        """Takes a message; one that is DELIVERED appears at its phone."""
        if self._journal is not None:
            os.write(self._journal, orjson.dumps(message, option=orjson.OPT_APPEND_NEWLINE))
        self._remember(message)

    def by_id(self, provider_id: str) -> Message | None:
        """The message that was given ``provider_id``."""
        return self._by_id.get(provider_id)

    def by_client_id(self, client_id: str) -> Message | None:
        """The last message that its sender named ``client_id``."""
        return self._by_client_id.get(client_id)

    def texts(self, number: str) -> list[Text]:
        """What the phone ``number`` (+98…) shows, newest last."""
        phone = self._phones.get(number)
        return list(phone.texts) if phone else []

    def phones(self) -> dict[str, int]:
        """The phones that show something, and how many texts."""
        return {number: len(phone.texts) for number, phone in self._phones.items() if phone.texts}

    def _remember(self, message: Message) -> None:
        self._by_id[message.provider_id] = message
        if message.client_id:
            self._by_client_id[message.client_id] = message
        if message.state != MessageState.DELIVERED:
            return
        phone = self._phones.setdefault(message.recipient, _Phone())
        if message.total == 1:
            phone.texts.append(Text(message.text, message.sender, message.at))
            return
        key = (message.sender, message.reference, message.total)
        parts = phone.incomplete.setdefault(key, {})
        parts[message.number] = message.text
        if len(parts) == message.total:
            del phone.incomplete[key]
            whole = "".join(parts[number] for number in sorted(parts))
            phone.texts.append(Text(whole, message.sender, message.at))


def _read(journal: Path) -> Iterator[Message]:
    """The messages of ``journal``. A last line cut short by a kill was never answered for: it is removed."""
    if not journal.exists():
        return
    octets = journal.read_bytes()
    whole = octets.rfind(b"\n") + 1
    if whole < len(octets):
        os.truncate(journal, whole)
    for line in octets[:whole].splitlines():
        values: dict[str, Any] = orjson.loads(line)
        yield Message(**{**values, "at": datetime.fromisoformat(values["at"]).astimezone(UTC)})
