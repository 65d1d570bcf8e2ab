"""Files without what they should not carry: images without EXIF, GPS and stowaways, PDFs without scripts and files.

Strangers' files are read in a process of its own that has little memory, little time and no rights to speak of; what
breaks there, or takes too long, breaks nothing here.
"""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Final

SECONDS: Final = 25.0
"""For all of it, on a machine that has other work, too; its processor time is limited in the process itself."""

MOST_BYTES: Final = 64 * 1024 * 1024
"""A cleaned file is never larger."""

_CLEANER = Path(__file__).with_name("cleaner.py")
_AUDIO = ("audio/mpeg", "audio/ogg")
_VIDEO_TRACK = b"hdlr" + bytes(8) + b"vide"  # ISO 14496-12, 8.4.3: version, flags, pre_defined, handler_type


class Unreadable(Exception):
    """The file is damaged, protected, out of proportion, or not what it says it is."""


async def clean(content: bytes, media_type: str, *, seconds: float = SECONDS) -> bytes:
    """The file as it may be given to others, of the same media type (one of ``kinds.EXTENSIONS``).

    Images are drawn anew, upright, without metadata, profiles or what is hung on; PDFs are written anew without
    scripts, actions that leave the document, embedded files, forms in XML or metadata; audio stays as it is.
    Raises ``Unreadable``; TimeoutError if the machine is too busy to tell, in which case it may be tried again.
    """
    if media_type in _AUDIO:
        return content
    if media_type == "audio/mp4":
        if _VIDEO_TRACK in content:
            raise Unreadable
        return content
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",  # neither our environment nor our folder
        str(_CLEANER),
        media_type,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        cwd="/",
        env={"LC_ALL": "C.UTF-8"},
    )
    try:
        async with asyncio.timeout(seconds):
            cleaned = await _passed_through(process, content)
            status = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if status != 0 or not cleaned:
        raise Unreadable
    return cleaned


async def _passed_through(process: Process, content: bytes) -> bytes:
    """What the process makes of it; it reads all before it writes anything."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the cleaner has no pipes")
    try:
        process.stdin.write(content)
        await process.stdin.drain()
        process.stdin.close()
    except (BrokenPipeError, ConnectionResetError):
        raise Unreadable from None
    pieces, size = [], 0
    while piece := await process.stdout.read(1 << 20):
        size += len(piece)
        if size > MOST_BYTES:
            raise Unreadable
        pieces.append(piece)
    return b"".join(pieces)
