"""The letters' font, Vazirmatn (SIL Open Font License), from its author's npm package: fetched, never committed."""

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from deploy.local.packages import LOCAL, CannotInstall

FONTS = LOCAL / "fonts"
PACKAGE = "vazirmatn@33.0.3"
WANTED = ("Vazirmatn-Regular.ttf", "Vazirmatn-Bold.ttf", "Vazirmatn-Medium.ttf")


def ensure_fonts() -> None:
    """Puts the font files into ``.local/fonts``. Raises ``CannotInstall`` if npm cannot bring them."""
    if all((FONTS / name).exists() for name in WANTED):
        return
    npm = shutil.which("npm")
    if npm is None:
        raise CannotInstall("npm is missing, which brings the letters' font: run 'make setup'.")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [npm, "pack", "--silent", PACKAGE], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise CannotInstall(f"npm could not bring {PACKAGE}, the letters' font.")
        FONTS.mkdir(parents=True, exist_ok=True)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as package:
            for member in package:
                name = Path(member.name).name
                file = (
                    package.extractfile(member)
                    if member.name == f"package/fonts/ttf/{name}" and name in WANTED
                    else None
                )
                if file is not None:
                    (FONTS / name).write_bytes(file.read())
    missing = [name for name in WANTED if not (FONTS / name).exists()]
    if missing:
        raise CannotInstall(f"{PACKAGE} holds no {', '.join(missing)}.")
