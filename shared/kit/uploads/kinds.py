"""What kind of file it is, told by its first bytes alone: what a client says of it is not believed."""

from typing import Final

HEAD_BYTES: Final = 16
"""So many first bytes tell every kind."""

EXTENSIONS: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
}
"""The media types that are taken, with the end of such a file's name."""

# recorders write M4A under the general brands, too; a film under them is refused when it is cleaned
_M4A_BRANDS = frozenset({b"M4A ", b"M4B ", b"mp41", b"mp42", b"isom", b"iso2", b"3gp4", b"3gp5"})


def media_type_of(head: bytes) -> str | None:
    """The media type of a file that begins so, None for one that is not taken.

    Signatures: JPEG (T.81 B.1.1.3), PNG (W3C, 5.2), WebP (RFC 9649, 2.4), PDF (ISO 32000-1, 7.5.2; at the very
    beginning), Ogg (RFC 3533, 6), ISO media files (ISO 14496-12, 4.3), MP3 (ID3v2, or ISO 11172-3, 2.4.1.3).
    """
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if head.startswith(b"OggS"):
        return "audio/ogg"
    if head[4:8] == b"ftyp" and head[8:12] in _M4A_BRANDS:
        return "audio/mp4"
    if head.startswith(b"ID3") or _is_mp3_frame(head):
        return "audio/mpeg"
    return None


def _is_mp3_frame(head: bytes) -> bool:
    """Eleven bits of sync, layer III, and neither the forbidden bit rate nor the reserved sampling rate."""
    return (
        len(head) >= HEAD_BYTES
        and head[0] == 0xFF
        and head[1] & 0xE6 == 0xE2
        and head[1] & 0x18 != 0x08
        and head[2] & 0xF0 != 0xF0
        and head[2] & 0x0C != 0x0C
    )
