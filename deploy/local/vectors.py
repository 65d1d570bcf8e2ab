"""age's test vectors, by the makers of the format (C2SP CCTV), from their npm package: fetched, never committed.

For the tests of what integrity seals; nothing else needs them.
"""

import sys

from deploy.local.npm import fetch
from deploy.local.packages import LOCAL, CannotInstall

PACKAGE = "cctv-age@0.2.0"
INTEGRITY = "sha512-1fiGAaWr+snqgu8+uCC7qPeApAuueOESET2npKe0FVLY+Huf+Kkia89Rybx/uoGNCml31SgAjiQIeFOY4K3New=="
AGE_VECTORS = LOCAL / "vectors" / f"{PACKAGE}.js"


def ensure_vectors() -> None:
    """Puts the vectors into ``.local/vectors``. Raises ``CannotInstall`` if npm cannot bring them."""
    if AGE_VECTORS.exists():
        return
    print("fetching age's test vectors …", flush=True)
    fetch(PACKAGE, INTEGRITY, {"index.js": AGE_VECTORS})


if __name__ == "__main__":
    try:
        ensure_vectors()
    except CannotInstall as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None
