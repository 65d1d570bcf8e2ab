import base64
import copy
import json
import pickle
import re
import stat
import uuid
from pathlib import Path
from typing import get_args

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.envelope import Sealed
from shared.kit.sealing import BlindIndex, KeyRing, SealError, open_sealed, seal

RING = KeyRing.generate()
CANARY = b"09121234567"


def ring_file(tmp_path: Path, document: object) -> Path:
    path = tmp_path / "contact.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return path


@given(st.binary(max_size=2000), st.binary(max_size=64))
def test_what_was_sealed_opens_in_its_context_alone(plaintext: bytes, context: bytes) -> None:
    sealed = seal(RING, plaintext, context)
    assert open_sealed(RING, sealed, context) == plaintext
    with pytest.raises(SealError):
        open_sealed(RING, sealed, context + b"x")


@given(st.text(max_size=200))
def test_junk_is_refused_without_being_repeated(junk: str) -> None:
    with pytest.raises(SealError) as raised:
        open_sealed(RING, f"k1.{junk}", b"")
    assert len(junk) < 12 or junk not in str(raised.value)


def test_the_form_is_that_of_the_contracts_and_of_nist() -> None:
    key = bytes(range(32))
    ring = KeyRing("k7", {"k7": key})
    sealed = seal(ring, CANARY, b"contact:1")
    pattern = get_args(Sealed)[1].pattern
    assert re.fullmatch(pattern, sealed)
    raw = base64.urlsafe_b64decode(sealed.removeprefix("k7.") + "==")
    assert AESGCM(key).decrypt(raw[:12], raw[12:], b"contact:1") == CANARY
    assert seal(ring, CANARY, b"contact:1") != sealed


@given(st.integers(0, 100), st.integers(1, 255))
def test_every_changed_byte_is_noticed(position: int, change: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(seal(RING, CANARY, b"c").removeprefix("k1.") + "=="))
    raw[position % len(raw)] ^= change
    with pytest.raises(SealError):
        open_sealed(RING, "k1." + base64.urlsafe_b64encode(raw).rstrip(b"=").decode(), b"c")


def test_a_rotated_ring_seals_anew_and_opens_the_old(tmp_path: Path) -> None:
    old = seal(RING, CANARY, b"c")
    path = tmp_path / "ring.json"
    RING.rotated().save(path)
    rotated = KeyRing.load(path)
    assert open_sealed(rotated, old, b"c") == CANARY
    new = seal(rotated, CANARY, b"c")
    assert new.startswith("k2.")
    with pytest.raises(SealError):
        open_sealed(RING, new, b"c")
    assert rotated.rotated().current == "k3"


def test_saving_never_overwrites_and_is_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "ring.json"
    RING.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        KeyRing.generate().save(path)
    assert open_sealed(KeyRing.load(path), seal(RING, b"x", b""), b"") == b"x"


@pytest.mark.parametrize(
    "document",
    [
        "not json",
        "[]",
        {},
        {"current": "k1", "keys": []},
        {"current": "k1", "keys": {"k1": "c2hvcnQ="}},
        {"current": "k1", "keys": {"k1": 5}},
        {"current": "k1", "keys": {"k1": "*" * 44}},
        {"current": ["k1"], "keys": {"k1": base64.b64encode(bytes(32)).decode()}},
        {"current": "k2", "keys": {"k1": base64.b64encode(bytes(32)).decode()}},
        {"current": "k 1", "keys": {"k 1": base64.b64encode(bytes(32)).decode()}},
    ],
)
def test_a_file_that_is_no_ring_is_refused(tmp_path: Path, document: object) -> None:
    with pytest.raises(SealError) as raised:
        KeyRing.load(ring_file(tmp_path, document))
    assert "c2hvcnQ" not in str(raised.value)


def test_a_missing_ring_is_named(tmp_path: Path) -> None:
    with pytest.raises(SealError, match=r"contact\.json"):
        KeyRing.load(tmp_path / "contact.json")


def test_keys_are_not_shown_nor_carried_away() -> None:
    key = b"K" * 32
    ring = KeyRing("k1", {"k1": key})
    for thing in (ring, BlindIndex(ring)):
        assert "KKKK" not in f"{thing!r} {thing} {[thing]}"
        with pytest.raises(TypeError):
            pickle.dumps(thing)
        with pytest.raises(TypeError):
            copy.deepcopy(thing)


def test_the_blind_index_is_hmac_sha256() -> None:
    # The vector is from `openssl dgst -sha256 -mac HMAC`.
    index = BlindIndex(KeyRing("k1", {"k1": b"0123456789abcdef0123456789abcdef"}))
    digest = bytes.fromhex("5129d9011313db3886869f1ab7399a9e81beebd6b3904199b8c2b67f94186f73")
    assert index.index("+989121234567") == digest
    assert index.citizen_id("+989121234567") == uuid.UUID(bytes=digest[:16])


@pytest.mark.parametrize("mobile", ["09121234567", "+98912123456x", "+۹۸۹۱۲۱۲۳۴۵۶۷", "", "+989121234567\n"])
def test_a_citizen_is_named_by_e164_alone(mobile: str) -> None:
    with pytest.raises(ValueError, match=r"^not a mobile number in E\.164$"):
        BlindIndex(RING).citizen_id(mobile)


def test_a_rotated_blind_ring_is_refused() -> None:
    with pytest.raises(SealError):
        BlindIndex(RING.rotated())
