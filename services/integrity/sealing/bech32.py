"""Bech32 (BIP 173), the way age writes its keys: 32 bytes as ``AGE-SECRET-KEY-1…``. Writing alone; pyrage reads."""

from collections.abc import Iterable, Iterator

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM_WORDS = 6


def encode(prefix: str, data: bytes) -> str:
    """``data`` under a lowercase prefix, in lowercase."""
    words = list(_words_of(data))
    expanded = [*(ord(letter) >> 5 for letter in prefix), 0, *(ord(letter) & 31 for letter in prefix)]
    rest = _remainder([*expanded, *words, *([0] * _CHECKSUM_WORDS)]) ^ 1
    checksum = [rest >> 5 * (_CHECKSUM_WORDS - 1 - n) & 31 for n in range(_CHECKSUM_WORDS)]
    return f"{prefix}1{''.join(_ALPHABET[word] for word in (*words, *checksum))}"


def _words_of(data: bytes) -> Iterator[int]:
    """The bits of ``data`` five by five, filled up with zeroes."""
    bits = held = 0
    for byte in data:
        held = (held << 8 | byte) & 0xFFF
        bits += 8
        while bits >= 5:
            bits -= 5
            yield held >> bits & 31
    if bits:
        yield held << (5 - bits) & 31


def _remainder(words: Iterable[int]) -> int:
    """What the checksum's polynomial over GF(32) leaves."""
    rest = 1
    for word in words:
        top = rest >> 25
        rest = (rest & 0x1FFFFFF) << 5 ^ word
        for n, term in enumerate(_GENERATOR):
            if top >> n & 1:
                rest ^= term
    return rest
