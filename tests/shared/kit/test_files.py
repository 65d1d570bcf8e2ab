"""Files kept for good: found again, sealed, and never given out changed."""

from hashlib import sha256
from pathlib import Path

import pytest

from shared.kit.files import SealedFiles
from shared.kit.sealing import KeyRing, SealError

CONTENT = b"CANARY-0499370899" * 100


def stored(folder: Path) -> list[Path]:
    return [place for place in folder.rglob("*") if place.is_file()]


def test_a_file_is_kept_once_sealed_and_its_name_tells_nothing(tmp_path: Path) -> None:
    files = SealedFiles(tmp_path, KeyRing.generate())
    digest = files.put(CONTENT)
    assert digest == sha256(CONTENT).hexdigest() == files.put(CONTENT)
    (place,) = stored(tmp_path)
    assert b"CANARY" not in place.read_bytes()
    assert digest not in str(place)
    assert place.stat().st_mode & 0o777 == 0o400
    assert files.get(digest) == CONTENT
    with pytest.raises(FileNotFoundError):
        files.get("0" * 64)
    with pytest.raises(ValueError, match="not a SHA-256"):
        files.get("../" + digest)


def test_a_changed_file_is_not_given_out_and_is_mended_when_it_comes_again(tmp_path: Path) -> None:
    files = SealedFiles(tmp_path, KeyRing.generate())
    digest, other = files.put(CONTENT), files.put(b"other")
    first, second = sorted(stored(tmp_path), key=lambda place: -place.stat().st_size)
    for spoilt in (second.read_bytes(), first.read_bytes()[:-1], b""):
        first.chmod(0o600)
        first.write_bytes(spoilt)
        with pytest.raises(SealError):
            files.get(digest)
    assert files.put(CONTENT) == digest
    assert files.get(digest) == CONTENT
    assert files.get(other) == b"other"


def test_what_an_older_key_sealed_is_found_after_rotation(tmp_path: Path) -> None:
    ring = KeyRing.generate()
    digest = SealedFiles(tmp_path, ring).put(CONTENT)
    after = SealedFiles(tmp_path, ring.rotated())
    assert after.get(digest) == CONTENT
    assert after.put(b"new") == sha256(b"new").hexdigest()
    with pytest.raises(FileNotFoundError):
        SealedFiles(tmp_path, KeyRing.generate()).get(digest)
