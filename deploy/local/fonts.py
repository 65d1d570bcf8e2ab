"""The letters' font, Vazirmatn (SIL Open Font License), from its author's npm package: fetched, never committed."""

import sys

from deploy.local.npm import fetch
from deploy.local.packages import LOCAL, CannotInstall

FONTS = LOCAL / "fonts"
PACKAGE = "vazirmatn@33.0.3"
INTEGRITY = "sha512-fbjNc0CMjazZpIegWzz9OHGzI1APFboT+x7ZecXlUCtDe/nkyx7gtCTZnWS/+eeXG7fbfXymCPKJI8EsnM3iqw=="
WANTED = ("Vazirmatn-Regular.ttf", "Vazirmatn-Bold.ttf", "Vazirmatn-Medium.ttf")


def ensure_fonts() -> None:
    """Puts the font files into ``.local/fonts``. Raises ``CannotInstall`` if npm cannot bring them."""
    if all((FONTS / name).exists() for name in WANTED):
        return
    print("fetching the letters' font …", flush=True)
    fetch(PACKAGE, INTEGRITY, {f"fonts/ttf/{name}": FONTS / name for name in WANTED})


if __name__ == "__main__":
    try:
        ensure_fonts()
    except CannotInstall as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None
