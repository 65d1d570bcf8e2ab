"""What a step says, sealed: one age file of one JSON object, read the same whoever sealed it.

The fields are those of the request (``subject``, ``narrative``, ``body``, ``note`` …). What a client sealed itself
stands in the object as it came, ``{"sealed_body": "<base64 of an age file>"}``, and is opened with the same key.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from services.integrity.sealing.age import NotOpened, SecretKey, open_sealed, seal

PREFIX = "sealed_"
_HEADER = b"age-encryption.org/v1\n-> X25519 "


def seal_content(fields: Mapping[str, Any], recipients: Sequence[str]) -> bytes:
    """The fields (JSON values; None is left out) as one padded age file; KeyInvalid if a recipient is none."""
    return seal(orjson.dumps({name: value for name, value in fields.items() if value is not None}), recipients)


def open_content(sealed: bytes, key: SecretKey) -> dict[str, Any]:
    """The fields of what :func:`seal_content` made, those that a client sealed opened, too; else NotOpened.

    A field that a client sealed is text, or whatever JSON it sealed.
    """
    try:
        fields: dict[str, Any] = orjson.loads(open_sealed(sealed, key))
        return {
            name.removeprefix(PREFIX): _opened(value, key) if name.startswith(PREFIX) else value
            for name, value in fields.items()
        }
    except (ValueError, TypeError, AttributeError):
        raise NotOpened("the file holds no content") from None


def _opened(value: str, key: SecretKey) -> Any:
    plain = open_sealed(base64.b64decode(value, validate=True), key).decode()
    try:
        return orjson.loads(plain)
    except ValueError:
        return plain


def seal_field(value: Any, recipients: Sequence[str]) -> str:
    """What a client sends as ``sealed_<name>``: the value as JSON in a padded age file, base64."""
    return base64.b64encode(seal(orjson.dumps(value), recipients)).decode()


def age_file_of(text: str) -> bytes:
    """The age file (binary, to X25519 keys) that ``text`` is the base64 of; ValueError if it is none."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None
    if not data.startswith(_HEADER):
        raise ValueError("not an age file")
    return data
