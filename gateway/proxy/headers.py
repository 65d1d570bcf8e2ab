"""Which headers pass, by allow-list in both directions; who the caller is goes on in the internal token alone."""

from collections.abc import Iterable

Headers = Iterable[tuple[bytes, bytes]]

REQUEST = frozenset(
    {
        b"accept",
        b"accept-language",
        b"content-type",
        b"content-encoding",
        b"idempotency-key",
        b"if-match",
        b"if-none-match",
        b"last-event-id",
        b"range",
        b"tus-resumable",
        b"upload-length",
        b"upload-offset",
        b"upload-metadata",
        b"upload-checksum",
        b"upload-defer-length",
    }
)
RESPONSE = frozenset(
    {
        b"accept",
        b"accept-ranges",
        b"allow",
        b"cache-control",
        b"content-disposition",
        b"content-language",
        b"content-range",
        b"content-security-policy",
        b"content-type",
        b"content-length",
        b"etag",
        b"link",
        b"location",
        b"ratelimit",
        b"ratelimit-policy",
        b"retry-after",
        b"tus-checksum-algorithm",
        b"tus-extension",
        b"tus-max-size",
        b"tus-resumable",
        b"tus-version",
        b"upload-expires",
        b"upload-length",
        b"upload-metadata",
        b"upload-offset",
        b"vary",
        b"www-authenticate",
        b"x-content-type-options",
    }
)


def passing(headers: Headers, allowed: frozenset[bytes]) -> list[tuple[str, str]]:
    """The headers that go on: those allowed, less what ``Connection`` names (RFC 9110, 7.6.1)."""
    hop = frozenset(
        name.strip().lower() for field, value in headers if field.lower() == b"connection" for name in value.split(b",")
    )
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in headers
        if (low := name.lower()) in allowed and low not in hop
    ]
