"""A mend for asn1crypto 1.5, on which pyHanko stands: lengths that end in 0x80.

Its ``dump`` takes every header that ends in the byte 0x80 for one of indefinite length (X.690, 8.1.3.6), though that
byte is also the end of the lengths 128, 384, 640 …; it then encodes the whole value anew, two or three times at each
level. Inside a signature with a time stamp that took 5 s, for one letter in ten.
"""

from collections.abc import Callable

from asn1crypto.core import Asn1Value, Sequence, SequenceOf, Set, SetOf

_INDEFINITE_HEADER = 2
"""Bytes: a tag and 0x80. Tags of more than one byte do not occur in CMS."""


def mend() -> None:
    """Makes ``dump`` tell the two apart. Calling it again changes nothing."""
    for kind in (Asn1Value, Sequence, SequenceOf, Set, SetOf):
        dump = kind.__dict__.get("dump")
        if dump is not None and not hasattr(dump, "__wrapped__"):
            kind.dump = _telling(dump)


def _telling(dump: Callable[[Asn1Value, bool], bytes]) -> Callable[..., bytes]:
    def telling(self: Asn1Value, force: bool = False) -> bytes:
        header = self._header
        if header is not None and len(header) > _INDEFINITE_HEADER and header.endswith(b"\x80"):
            self._header = None  # made again from the contents, which is cheap, and the contents are kept
        return dump(self, force)

    telling.__wrapped__ = dump  # type: ignore[attr-defined]
    return telling
