"""Strangers' files on their way out: to be saved, never shown as if they were ours."""

from urllib.parse import quote

from starlette.responses import Response

from shared.kit.uploads import EXTENSIONS


def file_name(name: str | None, media_type: str, n: int) -> str:
    """The name to save file ``n`` under, with an end that fits its media type (one of ``EXTENSIONS``)."""
    end = EXTENSIONS[media_type]
    if name is None:
        return f"attachment-{n}.{end}"
    given = name.rpartition(".")[2].lower()
    return name if given == end or (given, end) == ("jpeg", "jpg") else f"{name}.{end}"


def download(content: bytes, media_type: str, name: str) -> Response:
    """The file as an attachment (RFC 6266, RFC 8187) that no browser guesses at, runs or opens among our pages."""
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "_" for sign in name)
    headers = {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(content, headers=headers, media_type=media_type)
