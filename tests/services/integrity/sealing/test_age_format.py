"""What is an age file and what is not, rule by rule of the format, on files that are right but for one thing.

Written before the makers' own vectors could be had (``test_age_vectors.py``), and by another hand than theirs; it says
there, too, where rage opens what the format forbids.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from services.integrity.sealing.age import NotOpened, SecretKey
from tests.services.integrity.sealing.agefile import CHUNK, FILE_KEY, AgeFile, b64, share, wrapped, x25519

_SECRET = bytes(range(32))
KEY = SecretKey.from_bytes(_SECRET)
PUBLIC = X25519PrivateKey.from_private_bytes(_SECRET).public_key().public_bytes_raw()
OTHER = X25519PrivateKey.from_private_bytes(bytes(range(1, 33))).public_key().public_bytes_raw()
GOOD = AgeFile(PUBLIC)
_GREASE = b"-> grease-grease some arguments\n" + wrapped(b"x" * 100)
_HEAD = b"-> X25519 " + b64(share()) + b"\n"
_LAST = [bytes([char]) for char in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"]


def _stanza(argument: bytes | None = None, body: bytes | None = None, kind: bytes = b"X25519") -> AgeFile:
    line = kind + (b" " + b64(share()) if argument is None else argument)
    return replace(GOOD, stanzas=b"-> " + line + b"\n" + (wrapped(x25519(PUBLIC)) if body is None else body))


def _not_canonical(text: bytes) -> bytes:
    """The same bytes in base64 whose unused bits are not zero."""
    return text[:-1] + _LAST[_LAST.index(text[-1:]) + 1]


def _stream(*chunks: tuple[int, bytes, bool], nonce: bytes = GOOD.nonce) -> AgeFile:
    return replace(
        GOOD, nonce=nonce, chunks=tuple(GOOD.sealed_chunk(number, plain, last=last) for number, plain, last in chunks)
    )


FULL = bytes(CHUNK)
RIGHT: dict[str, tuple[AgeFile, bytes]] = {
    "the plain one": (GOOD, b"content"),
    "no content": (replace(GOOD, content=b""), b""),
    "a full last chunk": (replace(GOOD, content=FULL), FULL),
    "two chunks": (replace(GOOD, content=FULL + b"x"), FULL + b"x"),
    "two full chunks": (replace(GOOD, content=FULL * 2), FULL * 2),
    "a stanza of another kind before": (replace(GOOD, stanzas=_GREASE + GOOD.stanza()), b"content"),
    "a stanza of another kind after": (replace(GOOD, stanzas=GOOD.stanza() + _GREASE), b"content"),
    "a stanza with an empty body": (replace(GOOD, stanzas=b"-> empty\n\n" + GOOD.stanza()), b"content"),
    "a body that ends in a full line": (
        replace(GOOD, stanzas=b"-> full\n" + wrapped(bytes(48)) + GOOD.stanza()),
        b"content",
    ),
    "all visible characters": (
        replace(GOOD, stanzas=b"-> " + bytes(range(0x21, 0x7F)) + b" !\n\n" + GOOD.stanza()),
        b"content",
    ),
    "a stanza for somebody else before": (
        replace(GOOD, stanzas=_HEAD + wrapped(x25519(OTHER)) + GOOD.stanza()),
        b"content",
    ),
}

WRONG: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "another version": replace(GOOD, version=b"age-encryption.org/v2\n").encode,
    "no version": replace(GOOD, version=b"").encode,
    "a header with CR LF": lambda: GOOD.encode().replace(b"\n", b"\r\n", 4),
    "no stanza": replace(GOOD, stanzas=b"").encode,
    "nothing for us": replace(GOOD, stanzas=_HEAD + wrapped(x25519(OTHER))).encode,
    # the end of the header
    "another HMAC": replace(GOOD, mac=bytes(32)).encode,
    "a HMAC of one bit else": replace(GOOD, mac=bytes([GOOD.tag()[0] ^ 1]) + GOOD.tag()[1:]).encode,
    "a HMAC cut": replace(GOOD, mac=GOOD.tag()[:31]).encode,
    "no HMAC": replace(GOOD, end=b"---\n").encode,
    "an empty HMAC": replace(GOOD, end=b"--- \n").encode,
    "no space before the HMAC": replace(GOOD, end=b"---" + b64(GOOD.tag()) + b"\n").encode,
    "two spaces before the HMAC": replace(GOOD, end=b"---  " + b64(GOOD.tag()) + b"\n").encode,
    "a space after the HMAC": replace(GOOD, end=b"--- " + b64(GOOD.tag()) + b" \n").encode,
    "padding after the HMAC": replace(GOOD, end=b"--- " + b64(GOOD.tag()) + b"=\n").encode,
    "a HMAC not canonical": replace(GOOD, end=b"--- " + _not_canonical(b64(GOOD.tag())) + b"\n").encode,
    "no end of the header": replace(GOOD, end=b"").encode,
    # stanzas
    "a stanza without kind": replace(GOOD, stanzas=b"->\n\n" + GOOD.stanza()).encode,
    "a stanza's start without space": replace(GOOD, stanzas=b"->x\n\n" + GOOD.stanza()).encode,
    "a stanza's start with another sign": replace(GOOD, stanzas=b"=> x\n\n" + GOOD.stanza()).encode,
    "an empty argument": replace(GOOD, stanzas=b"-> x  y\n\n" + GOOD.stanza()).encode,
    "a control character": replace(GOOD, stanzas=b"-> x \x7f\n\n" + GOOD.stanza()).encode,
    "a character beyond ASCII": replace(GOOD, stanzas="-> x é\n\n".encode() + GOOD.stanza()).encode,
    "a body with padding": _stanza(body=b64(x25519(PUBLIC)) + b"=\n").encode,
    "a body's line too long": replace(GOOD, stanzas=b"-> x\n" + b64(bytes(66)) + b"\n\n" + GOOD.stanza()).encode,
    "a body of two short lines": _stanza(
        body=b64(x25519(PUBLIC))[:20] + b"\n" + b64(x25519(PUBLIC))[20:] + b"\n"
    ).encode,
    "a body not canonical": _stanza(body=_not_canonical(b64(x25519(PUBLIC))) + b"\n").encode,
    "no end of line after the body": _stanza(body=b64(x25519(PUBLIC))).encode,
    # the X25519 stanza
    "no share": _stanza(argument=b"").encode,
    "two shares": _stanza(argument=b" " + b64(share()) + b" " + b64(share())).encode,
    "a share too short": _stanza(argument=b" " + b64(share()[:31])).encode,
    "a share too long": _stanza(argument=b" " + b64(share() + b"\0")).encode,
    "a share not canonical": _stanza(argument=b" " + _not_canonical(b64(share()))).encode,
    "a share of low order": _stanza(argument=b" " + b64(bytes(32))).encode,
    "a share that is one": _stanza(argument=b" " + b64(b"\1" + bytes(31))).encode,
    "a kind in small letters": _stanza(kind=b"x25519").encode,
    "a file key too long": _stanza(body=wrapped(x25519(PUBLIC, file_key=FILE_KEY + b"\0"))).encode,
    "a file key too short": _stanza(body=wrapped(x25519(PUBLIC, file_key=FILE_KEY[:15]))).encode,
    "a file key's tag wrong": _stanza(body=wrapped(x25519(PUBLIC)[:-1] + b"\0")).encode,
    # the stream
    "no nonce": replace(GOOD, nonce=b"", chunks=()).encode,
    "a nonce cut": replace(GOOD, nonce=GOOD.nonce[:15], chunks=()).encode,
    "no chunk": _stream().encode,
    "a chunk without its tag": lambda: GOOD.encode()[:-16],
    "a chunk cut": lambda: GOOD.encode()[:-1],
    "a chunk's tag wrong": lambda: GOOD.encode()[:-1] + bytes([GOOD.encode()[-1] ^ 1]),
    "one byte more": lambda: GOOD.encode() + b"\0",
    "no last chunk": _stream((0, FULL, False)).encode,
    "a short chunk that is not the last": _stream((0, b"x", False), (1, b"y", True)).encode,
    "an empty last chunk after a full one": _stream((0, FULL, False), (1, b"", True)).encode,
    "two last chunks": _stream((0, FULL, True), (1, b"x", True)).encode,
    "a chunk left out": _stream((0, FULL, False), (2, b"x", True)).encode,
    "chunks in another order": _stream((1, FULL, False), (0, FULL, False), (2, b"x", True)).encode,
    "the first chunk twice": _stream((0, FULL, False), (0, FULL, False), (1, b"x", True)).encode,
    "a second chunk's tag wrong": lambda: replace(GOOD, content=FULL + b"x").encode()[:-1] + b"\0",
}


@pytest.mark.parametrize("what", RIGHT)
def test_what_is_right_opens(what: str) -> None:
    file, content = RIGHT[what]
    assert KEY.unwrap(file.encode()) == content


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_refused(what: str) -> None:
    with pytest.raises(NotOpened):
        KEY.unwrap(WRONG[what]())
