"""tus 1.0 as it stands in header fields (https://tus.io/protocols/resumable-upload): reading them, and what is wrong.

Offered: core, creation, creation-with-upload, termination, expiration and checksum. ``X-HTTP-Method-Override`` is not:
a client that could rename a method would be authorised for one and served another.
"""

import base64
import binascii
import hashlib
import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import Headers

from shared.kit.uploads.kinds import EXTENSIONS
from shared.kit.web.language import Text
from shared.kit.web.problems import BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, Problem, ProblemType

VERSION: Final = "1.0.0"
CONTENT_TYPE: Final = "application/offset+octet-stream"
ALGORITHMS: Final = ("sha256", "sha1")
EXTENSIONS_OFFERED: Final = "creation,creation-with-upload,termination,expiration,checksum"
MOST_METADATA: Final = 4096
_LONGEST_NUMBER = 15
_LONGEST_NAME = 120
_METADATA_KEY = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,64}")
_ZWNJ = "\u200c"

HEADER_INVALID = ProblemType(
    "upload-header-invalid",
    400,
    Text("سرآیندهای بارگذاری درست نیست", "The upload's headers are not right"),
    Text("لطفاً سرآیند نام‌برده را به شکل tus 1.0 بفرستید.", "Please send the header named as tus 1.0 says."),
)
VERSION_UNSUPPORTED = ProblemType(
    "tus-version-unsupported",
    412,
    Text("این نسخهٔ tus پشتیبانی نمی‌شود", "This version of tus is not supported"),
    Text("لطفاً سرآیند Tus-Resumable را با مقدار 1.0.0 بفرستید.", "Please send Tus-Resumable: 1.0.0."),
)
WRONG_OFFSET = ProblemType(
    "upload-offset-mismatch",
    409,
    Text("جای ادامهٔ بارگذاری درست نیست", "The offset is not where the upload stands"),
    Text(
        "لطفاً با HEAD بپرسید تا کجا رسیده است و از همان‌جا ادامه دهید.",
        "Please ask by HEAD how far it has come, and go on from there.",
    ),
)
CHECKSUM_MISMATCH = ProblemType(
    "upload-checksum-mismatch",
    460,
    Text("این تکه سالم نرسید", "The piece did not arrive intact"),
    Text("این تکه نگه داشته نشد؛ لطفاً دوباره بفرستید.", "It was not kept; please send it again."),
)
UPLOAD_GONE = ProblemType(
    "upload-gone",
    410,
    Text("این بارگذاری دیگر در دسترس نیست", "This upload is no longer there"),
    Text("مهلت آن گذشته یا به کار رفته است.", "It has expired, or was used."),
)
FILE_UNREADABLE = ProblemType(
    "file-unreadable",
    422,
    Text("پرونده خوانده نمی‌شود", "The file cannot be read"),
    Text(
        "خراب، رمزدار یا بیش از اندازه بزرگ است. لطفاً نسخهٔ دیگری بفرستید.",
        "It is damaged, protected or out of proportion. Please send another copy.",
    ),
)
_KINDS = Text(
    "تنها JPEG، PNG، WebP، PDF، MP3، M4A و OGG پذیرفته می‌شود.", "Taken are JPEG, PNG, WebP, PDF, MP3, M4A and OGG."
)
_NOT_TUS = Text(f"لطفاً بدنه را با Content-Type: {CONTENT_TYPE} بفرستید.", f"Please send it as {CONTENT_TYPE}.")
_TOO_LARGE = Text("پرونده بیش از اندازه بزرگ است.", "The file is larger than is taken, or than was announced.")


def bad_header(name: str) -> Problem:
    """A 400 that names the header field."""
    return Problem(HEADER_INVALID, header=name)


def wrong_type() -> Problem:
    """A 415: the file is of no kind that is taken."""
    return Problem(UNSUPPORTED_MEDIA_TYPE, detail=_KINDS, headers={"Accept": ", ".join(EXTENSIONS)})


def too_large() -> Problem:
    """A 413: the file, or more than was announced of it."""
    return Problem(BODY_TOO_LARGE, detail=_TOO_LARGE)


def check_version(headers: Headers) -> None:
    """Raises a 412 problem that names our version unless the client speaks it."""
    if headers.get("tus-resumable") != VERSION:
        raise Problem(VERSION_UNSUPPORTED, headers={"Tus-Version": VERSION})


def check_content_type(headers: Headers) -> None:
    """Raises a 415 problem unless the body is a piece of a file."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise Problem(UNSUPPORTED_MEDIA_TYPE, detail=_NOT_TUS, headers={"Accept": CONTENT_TYPE})


def number_of(headers: Headers, name: str) -> int:
    """A field that holds one non-negative integer. Raises a 400 problem for any other, and for none."""
    values = headers.getlist(name)
    if len(values) != 1 or not re.fullmatch(r"[0-9]+", values[0]) or len(values[0]) > _LONGEST_NUMBER:
        raise bad_header(name)
    return int(values[0])


def metadata_of(header: str | None) -> dict[str, bytes]:
    """``Upload-Metadata``: keys without space or comma, each once, with a value in Base64 or none.

    Raises a 400 problem for what is not that, or is longer than 4 KiB.
    """
    if not header:
        return {}
    found: dict[str, bytes] = {}
    for pair in header.split(","):
        key, _, value = pair.strip(" ").partition(" ")
        if len(header) > MOST_METADATA or key in found or not _METADATA_KEY.fullmatch(key):
            raise bad_header("Upload-Metadata")
        try:
            found[key] = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise bad_header("Upload-Metadata") from None
    return found


def name_of(metadata: dict[str, bytes]) -> str | None:
    """The file's name as it may be shown: the last part of a path, without controls, marks of direction or separators;
    at most 120 characters. None where none is given."""
    given = metadata.get("filename", b"").decode("utf-8", "ignore")
    last = unicodedata.normalize("NFC", given).replace("\\", "/").rpartition("/")[2]
    shown = "".join(sign for sign in last if sign == _ZWNJ or unicodedata.category(sign)[0] != "C")
    return " ".join(shown.split())[:_LONGEST_NAME].strip(" .") or None


@dataclass(slots=True)
class Checksum:
    """What the body of a request must hash to."""

    expected: bytes
    hash: Any

    def is_met(self) -> bool:
        """Whether the body did; ``hash`` was fed all of it."""
        return bool(self.hash.digest() == self.expected)


def checksum_of(headers: Headers) -> Checksum | None:
    """``Upload-Checksum``: an algorithm and a Base64 digest. Raises a 400 problem for one that is none of ours."""
    values = headers.getlist("upload-checksum")
    if not values:
        return None
    algorithm, _, digest = values[0].partition(" ")
    try:
        expected = base64.b64decode(digest, validate=True)
    except (binascii.Error, ValueError):
        raise bad_header("Upload-Checksum") from None
    if len(values) != 1 or algorithm not in ALGORITHMS:
        raise bad_header("Upload-Checksum")
    running = hashlib.new(algorithm, usedforsecurity=False)  # against bad networks; the seal is against people
    if len(expected) != running.digest_size:
        raise bad_header("Upload-Checksum")
    return Checksum(expected, running)
