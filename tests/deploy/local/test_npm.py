"""Files out of npm's packages; the registry is a script called ``npm`` here, which brings what was put ready."""

import base64
import hashlib
import os
import tarfile
from pathlib import Path

import pytest

from deploy.local.npm import fetch
from deploy.local.packages import CannotInstall


@pytest.fixture
def integrity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The hash of the package ``thing@1.0.0``, which holds ``a.txt`` and ``b.txt``."""
    archive = tmp_path / "thing-1.0.0.tgz"
    with tarfile.open(archive, "w:gz") as files:
        for name in ("a.txt", "b.txt"):
            (tmp_path / name).write_text(name)
            files.add(tmp_path / name, f"package/{name}")
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(f'#!/bin/sh\n[ "$*" = "pack --silent thing@1.0.0" ] && cp {archive} .\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}:{os.environ['PATH']}")
    return f"sha512-{base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()}"


def test_the_files_wanted_come_to_their_places(tmp_path: Path, integrity: str) -> None:
    fetch("thing@1.0.0", integrity, {"b.txt": tmp_path / "new" / "mine"})
    assert (tmp_path / "new" / "mine").read_text() == "b.txt"


@pytest.mark.parametrize(
    ("package", "changed", "names", "says"),
    [
        ("other@1.0.0", False, ["a.txt"], "could not bring other@1.0.0"),
        ("thing@1.0.0", True, ["a.txt"], "its hash differs"),
        ("thing@1.0.0", False, ["a.txt", "c.txt"], "holds no c.txt"),
    ],
)
def test_else_nothing_is_put_anywhere(
    tmp_path: Path, integrity: str, package: str, changed: bool, names: list[str], says: str
) -> None:
    places = {name: tmp_path / "new" / name for name in names}
    with pytest.raises(CannotInstall, match=says):
        fetch(package, "sha512-AAAA" if changed else integrity, places)
    assert not (tmp_path / "new").exists()
