"""Pictures and documents with all that can hang on them, and a canary in each place."""

import io
from typing import Any

import pikepdf
from pikepdf import Dictionary, Name, Stream
from PIL import ExifTags, Image, PngImagePlugin

CANARY = "CANARY-35.6892N"


def exif() -> Image.Exif:
    """A phone's: who, where, and that the phone was held sideways."""
    data = Image.Exif()
    data[ExifTags.Base.Artist] = CANARY
    data[ExifTags.Base.Orientation] = 6
    data[ExifTags.IFD.GPSInfo] = {1: "N", 2: (35.0, 41.0, 21.0), 3: "E", 4: (51.0, 23.0, 20.0)}
    return data


def picture(kind: str) -> bytes:
    """A photo of 60×40, red on the left, with all that can hang on one."""
    image = Image.new("RGB", (60, 40), "blue")
    image.paste("red", (0, 0, 30, 40))
    out = io.BytesIO()
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", CANARY)
    more: dict[str, dict[str, Any]] = {
        "PNG": {"pnginfo": info},
        "JPEG": {"comment": CANARY.encode(), "quality": 92},
        "WEBP": {"lossless": True},
    }
    image.save(out, kind, exif=exif(), icc_profile=CANARY.encode() * 20, **more[kind])
    return out.getvalue()


def paper(*, photo: bytes = b"") -> pikepdf.Pdf:
    """A page that says something, links on, has a bookmark, and a photo."""
    document = pikepdf.new()
    page = document.add_blank_page()
    page.obj.Contents = Stream(document, b"BT (Salaam) Tj ET")
    if photo:
        image = Stream(document, photo, Type=Name.XObject, Subtype=Name.Image, Width=60, Height=40)
        image.ColorSpace, image.BitsPerComponent, image.Filter = Name.DeviceRGB, 8, Name.DCTDecode
        page.obj.Resources = Dictionary(XObject=Dictionary(Im0=image))
    with document.open_outline() as outline:
        outline.root += [pikepdf.OutlineItem("first", 0), pikepdf.OutlineItem("second", 0)]
    return document


def pdf(document: pikepdf.Pdf, **options: Any) -> bytes:
    """Its bytes."""
    out = io.BytesIO()
    document.save(out, **options)
    return out.getvalue()


def unpacked(document: pikepdf.Pdf) -> bytes:
    """Its bytes, unpacked so that words in it are found."""
    level = pikepdf.StreamDecodeLevel.generalized
    return pdf(document, compress_streams=False, stream_decode_level=level)
