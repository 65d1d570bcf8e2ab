from hashlib import sha256
from pathlib import Path

import pytest

from services.letters.archive import Damaged, FolderArchive

CONTENT = b"%PDF-1.7 a letter"
DIGEST = sha256(CONTENT).hexdigest()


def _place(folder: Path) -> Path:
    return folder / DIGEST[:2] / DIGEST[2:4] / f"{DIGEST}.pdf"


def test_what_is_put_is_got_by_its_digest(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    assert archive.put(CONTENT) == DIGEST
    assert archive.get(DIGEST) == CONTENT


def test_the_same_letter_twice_is_one_and_stays_the_one_it_was(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    archive.put(CONTENT)
    before = _place(tmp_path).stat()
    archive.put(CONTENT)
    after = _place(tmp_path).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [_place(tmp_path)]


def test_a_letter_cannot_be_written_over(tmp_path: Path) -> None:
    FolderArchive(tmp_path).put(CONTENT)
    assert _place(tmp_path).stat().st_mode & 0o777 == 0o400


@pytest.mark.parametrize("change", [CONTENT[:-1], CONTENT + b"\n", b"%PDF-1.7 b letter", b""])
def test_a_changed_letter_is_found_when_read_and_when_put_again(tmp_path: Path, change: bytes) -> None:
    archive = FolderArchive(tmp_path)
    archive.put(CONTENT)
    _place(tmp_path).chmod(0o600)
    _place(tmp_path).write_bytes(change)
    with pytest.raises(Damaged):
        archive.get(DIGEST)
    with pytest.raises(Damaged):
        archive.put(CONTENT)


def test_an_unknown_digest_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FolderArchive(tmp_path).get(DIGEST)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", DIGEST.upper(), DIGEST + "0", DIGEST[:-1] + "/"])
def test_only_a_digest_names_a_letter(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a SHA-256"):
        FolderArchive(tmp_path).get(name)


def test_a_full_disk_leaves_no_letter_under_the_digest(tmp_path: Path) -> None:
    # a file where the folder should be: the same error path as a disk that refuses
    (tmp_path / DIGEST[:2]).write_bytes(b"")
    with pytest.raises(OSError, match=DIGEST[:2]):
        FolderArchive(tmp_path).put(CONTENT)
    assert not _place(tmp_path).exists()
