from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyreqwest.http import Url

from gateway.proxy.paths import LONGEST, is_safe_target


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/v1/cases",
        "/v1/cases/0190b7a4-1111-7abc-8def-0123456789ab",
        "/v1/track/7K3M9XQ2TBD",
        "/v1/desk/cases?q=%D8%A8%DB%8C%D9%85%D9%87&status=assigned&cursor=eyJhIjoxfQ%3D%3D",
        "/v1/desk/reviews/1404-09",
        "/open311/v2/requests/1.json",
        "/v1/reference/%D8%A8",
        "/.well-known/x",
        "/v1/a...b/..c",
    ],
)
def test_honest_targets_pass(target: str) -> None:
    path, _, query = target.partition("?")
    assert is_safe_target(path.encode(), query.encode())


@pytest.mark.parametrize(
    "path", ["", "v1", "*", "http://a/b", "//", "/a//b", "/a/../b", "/a/..", "/./a", "/a\tb", "/a#b"]
)
def test_odd_paths_are_refused(path: str) -> None:
    assert not is_safe_target(path.encode(), b"")


def test_endless_targets_are_refused() -> None:
    assert not is_safe_target(b"/" + b"a" * LONGEST * 2, b"")
    assert not is_safe_target(b"/a", b"a" * LONGEST * 2)


@given(st.binary(max_size=60))
def test_every_path_that_passes_means_the_same_to_the_http_client(tail: bytes) -> None:
    raw = b"/v1/" + tail
    if is_safe_target(raw, b""):
        assert Url(f"http://127.0.0.1:1{raw.decode()}").path == raw.decode()


@given(st.text(max_size=20))
def test_what_is_quoted_passes_if_it_needs_no_quotes_in_ascii(segment: str) -> None:
    raw = quote(f"/v1/open/{segment}", safe="/").encode()
    path = unquote(raw.decode())
    if is_safe_target(raw, b""):
        assert path.count("/") == raw.count(b"/")
        assert not {".", ".."} & set(path.split("/"))
        assert path.isprintable() or not path.isascii()
