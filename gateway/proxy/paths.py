"""Which request targets are taken at all.

HTTP clients rewrite dots and slashes (``/v1/a%2Fb/../c``), so a path that was authorised could be another one by the
time it is forwarded. Refused before anything else is looked at: whatever a client or a server might rewrite.
"""

import re
from urllib.parse import unquote_to_bytes

# what stands in our paths: unreserved characters, a few marks, and percent-encoded UTF-8 beyond ASCII
_PLAIN = re.compile(rb"/(?!/)(?:[A-Za-z0-9._~:@!$'()*+,;=-]|%[89A-Fa-f][0-9A-Fa-f]|/(?!/))*")
_DOTS = re.compile(rb"/\.{1,2}(?:/|$)")
_QUERY = re.compile(rb"[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e%]*")
LONGEST = 2048


def is_safe_target(raw_path: bytes, query: bytes) -> bool:
    """Whether the raw path and query can be forwarded byte for byte and mean the same to everybody.

    No dot segments, raw or encoded, no encoded ASCII (slash, backslash, percent, controls), no empty segment.
    """
    return (
        len(raw_path) + len(query) <= LONGEST * 2
        and _PLAIN.fullmatch(raw_path) is not None
        and _DOTS.search(raw_path) is None
        and _QUERY.fullmatch(query) is not None
        and b"%00" not in query
        and _is_utf8(raw_path)
    )


def _is_utf8(raw_path: bytes) -> bool:
    """No overlong or broken sequences, which some decoders turn into dots and slashes."""
    if b"%" not in raw_path:
        return True
    try:
        unquote_to_bytes(raw_path).decode()
    except UnicodeDecodeError:
        return False
    return True
