"""The process that reads a stranger's file: ``cleaner.py <media type>``, from standard input to standard output.

Ends with another status than 0 if it cannot. Imports nothing of ours, since it runs isolated from our folder.
"""

import io
import resource
import sys
import warnings
from typing import Any

MOST_PIXELS = 64_000_000
MEMORY_BYTES = 1 << 30
PROCESSOR_SECONDS = 15
_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}

# ISO 32000-1: what acts by itself (12.6), carries files (7.11.4) or programs (12.7.8), or tells who made it (14.3)
_KEYS = frozenset(
    {
        "/AA",
        "/AF",
        "/Collection",
        "/EF",
        "/EmbeddedFiles",
        "/JS",
        "/JavaScript",
        "/Metadata",
        "/OpenAction",
        "/PA",
        "/PieceInfo",
        "/RichMediaContent",
        "/RichMediaSettings",
        "/XFA",
    }
)
_ACTIONS = frozenset({"/GoTo", "/URI", "/Named"})
_ANNOTATIONS = frozenset({"/FileAttachment", "/RichMedia", "/Screen", "/Movie", "/Sound", "/3D"})


def limit() -> None:
    """Little memory, little time, no files of its own, no children, no image of it on the disk."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
    for kind in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
        resource.setrlimit(kind, (0, 0))


def clean_image(content: bytes, kind: str) -> bytes:
    """Draws the picture anew, upright; of one that moves, its first frame. A JPEG keeps its own quality."""
    from PIL import Image, ImageOps, JpegImagePlugin  # noqa: PLC0415

    limit()
    warnings.simplefilter("error")
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    image: Any = Image.open(io.BytesIO(content), formats=[kind])
    image.load()
    options: dict[str, Any] = {"WEBP": {"quality": 88}, "PNG": {}}.get(kind, {})
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        sampling = JpegImagePlugin.get_sampling(image)
        options = {"qtables": image.quantization, "subsampling": sampling if sampling >= 0 else "4:2:0"}
    upright = ImageOps.exif_transpose(image)
    if kind == "JPEG" and upright.mode not in ("L", "RGB"):
        upright, options = upright.convert("RGB"), {"quality": 88}
    # what the writers would take over by themselves: profile, comment, resolution
    upright.info = {key: value for key, value in upright.info.items() if key == "transparency"}
    out = io.BytesIO()
    upright.save(out, kind, **options)
    return out.getvalue()


def clean_pdf(content: bytes) -> bytes:
    """Writes the document anew without what acts, hides or tells; what nothing refers to any more is left out."""
    import pikepdf  # noqa: PLC0415

    limit()
    with pikepdf.open(io.BytesIO(content)) as pdf:
        if len(pdf.pages) == 0:
            raise ValueError("no pages")
        for page in pdf.pages:
            if isinstance(page.obj.get("/Annots"), pikepdf.Array):
                shown = [note for note in page.obj.Annots if str(note.get("/Subtype")) not in _ANNOTATIONS]
                page.obj.Annots = pikepdf.Array(shown)
        for thing in pdf.objects:
            _strip(pikepdf, thing)
        if "/Info" in pdf.trailer:
            del pdf.trailer["/Info"]
        out = io.BytesIO()
        pdf.save(out, fix_metadata_version=False, deterministic_id=True)
        return out.getvalue()


def _strip(pikepdf: Any, thing: Any) -> None:
    """Strips one object and what stands in it directly; other objects have their own turn."""
    left = [thing]
    while left:
        here = left.pop()
        if isinstance(here, pikepdf.Array):
            inner = list(here)
        elif isinstance(here, pikepdf.Dictionary | pikepdf.Stream):
            for key in [key for key in here.keys() if key in _KEYS]:  # noqa: SIM118
                del here[key]
            action = here.get("/A")
            if isinstance(action, pikepdf.Dictionary) and str(action.get("/S", "/GoTo")) not in _ACTIONS:
                del here["/A"]
            if "/S" in here and "/Next" in here:  # the action after an action; bookmarks have a /Next, too
                del here["/Next"]
            inner = [here[key] for key in here.keys()]  # noqa: SIM118
            if isinstance(here, pikepdf.Stream) and str(here.get("/Filter")) == "/DCTDecode":
                _strip_photo(pikepdf, here)
        else:
            continue
        left += [one for one in inner if isinstance(one, pikepdf.Object) and not one.is_indirect]


def _strip_photo(pikepdf: Any, stream: Any) -> None:
    """A scan or photo in the document loses its EXIF and the like; the picture itself stays as it is."""
    raw = stream.read_raw_bytes()
    stripped = without_segments(raw)
    if stripped != raw:
        stream.write(stripped, filter=pikepdf.Name.DCTDecode, decode_parms=stream.get("/DecodeParms"))


def without_segments(jpeg: bytes) -> bytes:
    """The JPEG without what applications wrote into it (EXIF, XMP, IPTC, profiles, comments: T.81, B.2.4), but for
    JFIF and Adobe, which say what its colours are; as it is if it is none."""
    kept, at = [jpeg[:2]], 2
    while jpeg[at : at + 1] == b"\xff" and jpeg[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if end > len(jpeg) or end < at + 4:
            return jpeg
        kind = jpeg[at + 1]
        if kind in (0xE0, 0xEE) or not (kind & 0xF0 == 0xE0 or kind == 0xFE):
            kept.append(jpeg[at:end])
        at = end
    return b"".join([*kept, jpeg[at:]])


def main(media_type: str) -> int:
    """Cleans what comes; 0 if it could."""
    content = sys.stdin.buffer.read()
    try:
        cleaned = clean_pdf(content) if media_type == "application/pdf" else clean_image(content, _FORMATS[media_type])
    except Exception:  # whatever a hostile file makes the libraries raise
        return 1
    sys.stdout.buffer.write(cleaned)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
