"""The parts that SMPP units are made of: header, strings, optional parameters, and the stream cut into units."""

import struct

from services.sms.operators.smpp.constants import Status

MAX_LENGTH = 70_000
"""The longest PDU taken: a message_payload of 64 KiB with everything around it. Longer is an attack or a lost byte."""

HEADER = struct.Struct(">IIII")
_LENGTH = struct.Struct(">I")
_TLV = struct.Struct(">HH")

Tlvs = tuple[tuple[int, bytes], ...]


class PduError(Exception):
    """Bytes that are not SMPP. ``status`` is what the sender is told; after a ``fatal`` one the stream cannot be read
    on. ``command`` and ``sequence`` are 0 where the header could not be read. Names no content."""

    def __init__(
        self, status: Status, reason: str, *, command: int = 0, sequence: int = 0, fatal: bool = False
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.command = command
        self.sequence = sequence
        self.fatal = fatal


class Framer:
    """Cuts a stream into PDUs by the length that each begins with."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The PDUs that ``data`` completes. A fatal PduError for a length that no PDU has; frames before it are lost
        with it, since the connection is."""
        self._buffer += data
        frames: list[bytes] = []
        start = 0
        while len(self._buffer) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer, start)
            if not HEADER.size <= length <= MAX_LENGTH:
                raise PduError(Status.ESME_RINVCMDLEN, "no PDU has this length", fatal=True)
            if len(self._buffer) - start < length:
                break
            frames.append(bytes(self._buffer[start : start + length]))
            start += length
        del self._buffer[:start]
        return frames


def tlv(tlvs: Tlvs, tag: int) -> bytes | None:
    """The first optional parameter ``tag``, or None."""
    return next((value for own, value in tlvs if own == tag), None)


class Cursor:
    """Reads a body from left to right and never beyond its end."""

    __slots__ = ("_at", "_command", "_frame", "_sequence")

    def __init__(self, frame: bytes, command: int, sequence: int) -> None:
        self._frame = frame
        self._at = HEADER.size
        self._command = command
        self._sequence = sequence

    @property
    def more(self) -> bool:
        return self._at < len(self._frame)

    def error(self, status: Status, reason: str) -> PduError:
        return PduError(status, reason, command=self._command, sequence=self._sequence)

    def octet(self) -> int:
        if self._at >= len(self._frame):
            raise self.error(Status.ESME_RINVCMDLEN, "ends before its last field")
        self._at += 1
        return self._frame[self._at - 1]

    def octets(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._frame):
            raise self.error(Status.ESME_RINVMSGLEN, "a field is longer than the PDU")
        value = self._frame[self._at : end]
        self._at = end
        return value

    def c_string(self, limit: int) -> str:
        """A NUL-terminated string of at most ``limit`` octets, the NUL included."""
        end = self._frame.find(b"\0", self._at, self._at + limit)
        if end < 0:
            raise self.error(Status.ESME_RINVPARLEN, "a string does not end where it must")
        value = self._frame[self._at : end].decode("latin-1")
        self._at = end + 1
        return value

    def tlvs(self) -> Tlvs:
        """The optional parameters, which take the rest of the PDU."""
        found: list[tuple[int, bytes]] = []
        while self.more:
            if len(self._frame) - self._at < _TLV.size:
                raise self.error(Status.ESME_RINVOPTPARSTREAM, "ends inside an optional parameter")
            tag, length = _TLV.unpack_from(self._frame, self._at)
            self._at += _TLV.size
            if self._at + length > len(self._frame):
                raise self.error(Status.ESME_RINVOPTPARSTREAM, "an optional parameter is longer than the PDU")
            found.append((tag, self._frame[self._at : self._at + length]))
            self._at += length
        return tuple(found)

    def end(self) -> None:
        if self.more:
            raise self.error(Status.ESME_RINVCMDLEN, "goes on after its last field")


def c_string_octets(value: str, limit: int) -> bytes:
    """``value`` and its NUL, together at most ``limit`` octets; else ValueError."""
    octets = value.encode("latin-1")
    if len(octets) >= limit or b"\0" in octets:
        raise ValueError(f"a string of at most {limit - 1} octets without NUL is needed")
    return octets + b"\0"


def tlv_octets(tlvs: Tlvs) -> bytes:
    """The optional parameters as they follow a body."""
    return b"".join(_TLV.pack(tag, len(value)) + value for tag, value in tlvs)
