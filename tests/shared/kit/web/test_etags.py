import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from shared.kit.web.etags import CachedDocument, check_if_match, etag
from shared.kit.web.problems import Problem


@pytest.mark.parametrize("header", ['"7"', ' "7" ', '"6", "7"', '"6","7","8"', "*", 'W/"3", "7"', etag(7)])
def test_the_version_read_is_let_through(header: str) -> None:
    check_if_match(header, 7)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 428),
        ('"6"', 412),
        ('W/"7"', 412),
        ('""', 412),
        ("7", 400),
        ("", 400),
        ('"7", ', 400),
        ('"7" "8"', 400),
        ('"7', 400),
        ('*, "7"', 400),
        ('"' + "7" * 2000 + '"', 400),
    ],
)
def test_all_else_is_refused(header: str | None, status: int) -> None:
    with pytest.raises(Problem) as raised:
        check_if_match(header, 7)
    assert raised.value.status_code == status


@given(st.text(max_size=1200))
def test_junk_is_400_or_412(header: str) -> None:
    if header.strip() == "*":
        return
    with pytest.raises(Problem) as raised:
        check_if_match(header, 7)
    assert raised.value.status_code in (400, 412)


def asking(if_none_match: str | None) -> Request:
    headers = [] if if_none_match is None else [(b"if-none-match", if_none_match.encode("latin-1"))]
    return Request({"type": "http", "method": "GET", "headers": headers})


def test_a_cached_document_is_sent_once() -> None:
    document = CachedDocument(b'{"items":[]}')
    first = document.respond(asking(None))
    assert (first.status_code, first.body) == (200, b'{"items":[]}')
    tag = first.headers["etag"]
    for header in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = document.respond(asking(header))
        assert (again.status_code, again.body, again.headers["etag"]) == (304, b"", tag)
    for header in ('"other"', "junk", tag.strip('"'), "\xff"):
        assert document.respond(asking(header)).status_code == 200
    assert CachedDocument(b"{}").respond(asking(tag)).status_code == 200
