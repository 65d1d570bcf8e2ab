import os
import pickle
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.packages import age_tool
from services.integrity.sealing.age import (
    KeyInvalid,
    NotOpened,
    ReportKey,
    SecretKey,
    open_sealed,
    padme,
    seal,
    wrap,
)
from services.integrity.sealing.bech32 import encode

VECTORS = Path(__file__).parent / "vectors"
KEY = SecretKey.generate()


def _vector_key(name: str) -> SecretKey:
    return SecretKey.parse((VECTORS / name).read_text().strip())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.age", b""),
        ("persian.age", "صدای بی‌صدایان\n".encode()),
        ("two_recipients.age", b"two readers"),
        ("one_chunk.age", bytes(65536)),
        ("two_chunks.age", bytes(65537)),
        ("armored.age", b"armored"),
    ],
)
def test_files_of_the_stock_tool_open(name: str, content: bytes) -> None:
    sealed = (VECTORS / name).read_bytes()
    assert _vector_key("holder.txt").unwrap(sealed) == content
    with pytest.raises(NotOpened):
        KEY.unwrap(sealed)


def test_every_changed_byte_of_a_stock_file_is_refused() -> None:
    key = _vector_key("holder.txt")
    sealed = (VECTORS / "persian.age").read_bytes()
    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(NotOpened):
            key.unwrap(changed)
    for length in range(len(sealed)):
        with pytest.raises(NotOpened):
            key.unwrap(sealed[:length])
    with pytest.raises(NotOpened):
        key.unwrap((VECTORS / "other_only.age").read_bytes())


def test_the_stock_tool_opens_ours(tmp_path: Path) -> None:
    tool = age_tool()
    assert tool is not None, "run 'make setup'"
    report, holder = ReportKey.first("r-1"), SecretKey.generate()
    (tmp_path / "mine.txt").write_text(holder.secret_text() + "\n")
    (tmp_path / "grant").write_bytes(report.grant(holder.recipient))
    (tmp_path / "content").write_bytes(seal("گزارش".encode(), [report.key.recipient]))

    def age(*arguments: str) -> bytes:
        return subprocess.run([tool, "-d", *arguments], cwd=tmp_path, check=True, capture_output=True).stdout

    (tmp_path / "report.txt").write_bytes(age("-i", "mine.txt", "grant"))
    assert age("-i", "report.txt", "content").rstrip(b"\0") == "گزارش".encode() + b"\x80"


def test_a_key_of_32_bytes_is_the_one_that_x25519_makes_of_them() -> None:
    secret = bytes(range(32))
    public = X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    key = SecretKey.from_bytes(secret)
    assert key.recipient == encode("age", public)
    assert SecretKey.parse(key.secret_text()).recipient == key.recipient
    with pytest.raises(ValueError, match="32"):
        SecretKey.from_bytes(secret[1:])


def test_a_key_is_never_shown_or_copied() -> None:
    text = KEY.secret_text()
    assert text not in f"{KEY!r} {KEY} {ReportKey('r-1', 1, KEY)!r}"
    with pytest.raises(TypeError):
        pickle.dumps(KEY)
    for wrong in ("", "x", text[:-1], text.lower()[:-2], KEY.recipient, "\ud800"):
        with pytest.raises(KeyInvalid) as refused:
            SecretKey.parse(wrong)
        assert not wrong or wrong not in str(refused.value)


@pytest.mark.parametrize(
    "wrong",
    ["", "age1", KEY.recipient[:-1], KEY.secret_text(), "ssh-ed25519 AAAA", "\ud800"],
    # names that stay the same in every process: the key is new in each
    ids=["empty", "prefix", "cut", "secret", "ssh", "surrogate"],
)
def test_what_is_no_recipient_is_refused(wrong: str) -> None:
    with pytest.raises(KeyInvalid):
        wrap(b"x", [KEY.recipient, wrong])
    with pytest.raises(KeyInvalid):
        wrap(b"x", [])


@given(st.integers(0, 1 << 40))
def test_padme_adds_at_most_an_eighth_and_leaves_few_lengths(length: int) -> None:
    padded = padme(length)
    assert length <= padded <= length * 1.12 + 1
    assert padme(padded) == padded


def test_padme_is_that_of_the_paper() -> None:
    # PURBs, section 4: lengths keep as many significant bits as their exponent is long
    assert [padme(length) for length in (1, 8, 9, 15, 17, 100, 1000, 1_000_001)] == [
        1,
        8,
        10,
        16,
        18,
        104,
        1024,
        1015808,
    ]


@given(st.binary(max_size=2000))
def test_what_is_sealed_opens(content: bytes) -> None:
    sealed = seal(content, [KEY.recipient])
    assert open_sealed(sealed, KEY) == content


def test_content_that_looks_like_padding() -> None:
    for content in (b"", b"\0", b"\x80", b"\x80\0\0", bytes(5000), b"a" * 511, b"a" * 512, os.urandom(70_000)):
        assert open_sealed(seal(content, [KEY.recipient]), KEY) == content
    with pytest.raises(NotOpened, match="padding"):
        open_sealed(wrap(b"\0\0", [KEY.recipient]), KEY)


def test_short_contents_are_of_one_length() -> None:
    # in the sealed file itself the header adds a random length ("grease")
    assert {len(KEY.unwrap(seal(b"x" * length, [KEY.recipient]))) for length in range(512)} == {512}
    assert len(KEY.unwrap(seal(b"x" * 512, [KEY.recipient]))) == 544


def test_each_of_several_recipients_opens_and_nobody_else() -> None:
    holders = [SecretKey.generate() for _ in range(5)]
    sealed = seal(b"content", [holder.recipient for holder in holders])
    assert [open_sealed(sealed, holder) for holder in holders] == [b"content"] * 5
    with pytest.raises(NotOpened):
        open_sealed(sealed, SecretKey.generate())


def test_grants_and_epochs() -> None:
    inspector, successor = SecretKey.generate(), SecretKey.generate()
    first = ReportKey.first("r-7")
    opened = ReportKey.open_grant(first.grant(inspector.recipient), inspector)
    assert (opened.report, opened.epoch) == ("r-7", 1)
    before = seal(b"before", [first.key.recipient])
    assert open_sealed(before, opened.key) == b"before"
    # the holder wraps the key again for a successor; then a new epoch leaves the holder out
    regranted = ReportKey.open_grant(opened.grant(successor.recipient), successor)
    assert open_sealed(before, regranted.key) == b"before"
    second = first.next_epoch()
    assert (second.report, second.epoch) == ("r-7", 2)
    after = seal(b"after", [second.key.recipient])
    with pytest.raises(NotOpened):
        open_sealed(after, opened.key)
    with pytest.raises(NotOpened):
        ReportKey.open_grant(second.grant(successor.recipient), inspector)


def test_what_is_no_grant_is_refused() -> None:
    holder = SecretKey.generate()
    for text in (b"", b"AGE-SECRET-KEY-1", b"# seda report r-1 epoch 1\nAGE-SECRET-KEY-1QQ\n", b"\xff"):
        with pytest.raises(NotOpened):
            ReportKey.open_grant(wrap(text, [holder.recipient]), holder)
    for report, epoch in (("", 1), ("a b", 1), ("a\n", 1), ("r-1", 0)):
        with pytest.raises(ValueError, match="reference"):
            ReportKey(report, epoch, holder)
