"""Strangers' files: what must be gone is gone, what must stay is there, and what is hostile is refused."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Stream, String
from PIL import Image

from shared.kit.cleaning import Unreadable, clean
from shared.kit.cleaning.cleaner import without_segments
from tests.shared.kit.cleaning.samples import CANARY, paper, pdf, picture, unpacked


@pytest.mark.parametrize(("kind", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
async def test_a_picture_loses_where_and_by_whom_and_stands_upright(kind: str, media_type: str) -> None:
    content = picture(kind) + b"<script>" + CANARY.encode() + b"</script>"
    assert CANARY.encode() in content
    cleaned = await clean(content, media_type)
    assert CANARY.encode() not in cleaned
    assert b"<script>" not in cleaned
    image = Image.open(io.BytesIO(cleaned))
    assert image.format == kind
    assert not image.getexif()
    assert "icc_profile" not in image.info
    assert image.size == (40, 60), "turned as it was held"
    upper, lower = image.convert("RGB").getpixel((20, 5)), image.convert("RGB").getpixel((20, 55))
    assert isinstance(upper, tuple)
    assert isinstance(lower, tuple)
    assert upper[0] > 200 > 60 > upper[2]
    assert lower[2] > 200 > 60 > lower[0]


async def test_transparency_and_print_colours_survive() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (4, 4), (1, 2, 3, 0)).save(out, "PNG")
    assert Image.open(io.BytesIO(await clean(out.getvalue(), "image/png"))).getpixel((0, 0)) == (1, 2, 3, 0)
    out = io.BytesIO()
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(out, "JPEG")
    assert Image.open(io.BytesIO(await clean(out.getvalue(), "image/jpeg"))).mode == "RGB"


def png(width: int, height: int, rows: bytes) -> bytes:
    """A PNG of one bit a pixel that says it is so large."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def deep_pdf() -> bytes:
    """A document whose cross-reference stream unpacks to two gigabytes."""
    packer = zlib.compressobj(9)
    head = packer.compress(b"\0") + packer.flush(zlib.Z_FULL_FLUSH)
    megabyte = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = head + megabyte * 2048
    stream = b"1 0 obj\n<</Type/XRef/Size 10/W[1 4 2]/Root 2 0 R/Filter/FlateDecode/Length %d>>stream\n" % len(packed)
    return b"%PDF-1.5\n" + stream + packed + b"\nendstream\nendobj\nstartxref\n9\n%%EOF\n"


HOSTILE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "pixels": ("image/png", lambda: png(30_000, 30_000, bytes(3751 * 1000))),
    "lying size": ("image/png", lambda: png(1 << 30, 1 << 30, b"")),
    "cut off": ("image/jpeg", lambda: picture("JPEG")[:200]),
    "another kind inside": ("image/jpeg", lambda: picture("PNG")),
    "a page that calls itself a picture": ("image/png", lambda: b"\x89PNG\r\n\x1a\n<html><script>1</script>"),
    "unpacks for ever": ("application/pdf", deep_pdf),
    "no document": ("application/pdf", lambda: b"%PDF-1.7\n" + b"A" * 1000),
    "no pages": ("application/pdf", lambda: pdf(pikepdf.new())),
    "locked": ("application/pdf", lambda: pdf(paper(), encryption=pikepdf.Encryption(user="a", owner="b"))),
    "a film that calls itself a voice": (
        "audio/mp4",
        lambda: b"\x00\x00\x00\x18ftypisom" + bytes(20) + b"\x00\x00\x00\x21hdlr" + bytes(8) + b"vide",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_what_is_hostile_or_broken_is_refused(what: str) -> None:
    media_type, make = HOSTILE[what]
    content = make()
    assert len(content) < 25 * 1024 * 1024
    with pytest.raises(Unreadable):
        await clean(content, media_type)


async def test_a_machine_that_is_too_busy_is_no_verdict_on_the_file() -> None:
    with pytest.raises(TimeoutError):
        await clean(picture("PNG"), "image/png", seconds=0.001)


async def test_a_voice_stays_as_it_is() -> None:
    for media_type, content in (
        ("audio/mpeg", b"ID3\x04abc"),
        ("audio/ogg", b"OggS\x00"),
        ("audio/mp4", b"....ftypM4A "),
    ):
        assert await clean(content, media_type) == content


async def test_a_document_loses_what_acts_hides_or_tells_and_keeps_what_is_read() -> None:
    document = paper(photo=picture("JPEG"))
    page = document.pages[0].obj

    def action(**more: Any) -> Dictionary:
        return Dictionary(Type=Name.Action, S=Name.JavaScript, JS=String(f"app.alert('{CANARY}')"), **more)

    def note(subtype: Name, **more: Any) -> pikepdf.Object:
        rect = Array([0, 0, 10, 10])
        return document.make_indirect(Dictionary(Type=Name.Annot, Subtype=subtype, Rect=rect, **more))

    page.AA = Dictionary(O=document.make_indirect(action()))
    link = Dictionary(S=Name.URI, URI=String("https://example.ir/"), Next=action())
    page.Annots = Array(
        [
            note(Name.Link, A=link),
            note(Name.Link, A=Dictionary(S=Name.Launch, F=String(CANARY))),
            note(Name.Widget, A=action(), AA=Dictionary(K=action())),
            note(Name.FileAttachment, FS=Dictionary(EF=Dictionary(F=Stream(document, CANARY.encode())))),
            note(Name.RichMedia, RichMediaContent=Dictionary(X=String(CANARY))),
        ]
    )
    document.attachments["a.exe"] = pikepdf.AttachedFileSpec(document, CANARY.encode(), filename="a.exe")
    document.Root.Names.JavaScript = Dictionary(Names=Array([String("x"), action()]))
    document.Root.OpenAction = action(Next=Array([action()]))
    document.Root.AcroForm = Dictionary(Fields=Array([page.Annots[2]]), XFA=Stream(document, CANARY.encode()))
    with document.open_metadata() as metadata:
        metadata["dc:title"] = CANARY
    document.docinfo["/Author"] = CANARY
    content = unpacked(document)
    assert content.count(CANARY.encode()) >= 10
    cleaned = await clean(content + b"\nPK\x03\x04" + CANARY.encode(), "application/pdf")
    with pikepdf.open(io.BytesIO(cleaned)) as after:
        plain = unpacked(after)
        for word in (
            CANARY.encode(),
            b"JavaScript",
            b"/Launch",
            b"/OpenAction",
            b"/AA",
            b"EmbeddedFile",
            b"/XFA",
            b"Exif",
        ):
            assert word not in plain, word
        assert b"Salaam" in plain
        assert b"https://example.ir/" in plain
        with after.open_outline() as outline:
            assert [item.title for item in outline.root] == ["first", "second"]
        assert [str(one.Subtype) for one in after.pages[0].obj.Annots] == ["/Link", "/Link", "/Widget"]
        photo = after.pages[0].obj.Resources.XObject.Im0
        assert Image.open(io.BytesIO(photo.read_raw_bytes())).size == (60, 40)
    assert await clean(cleaned, "application/pdf") == await clean(cleaned, "application/pdf"), (
        "the same bytes each time"
    )


async def test_a_document_that_only_its_owner_may_change_is_read() -> None:
    locked = pdf(paper(), encryption=pikepdf.Encryption(user="", owner="b"))
    with pikepdf.open(io.BytesIO(await clean(locked, "application/pdf"))) as after:
        assert not after.is_encrypted


def test_a_photo_s_segments_go_and_its_picture_stays() -> None:
    content = picture("JPEG")
    stripped = without_segments(content)
    assert CANARY.encode() not in stripped
    assert Image.open(io.BytesIO(stripped)).tobytes() == Image.open(io.BytesIO(content)).tobytes()
    for broken in (b"", b"\xff\xd8", b"\xff\xd8\xff\xe1\xff\xff", b"\xff\xd8\xff\xe1\x00\x00" * 9):
        assert without_segments(broken) == broken
