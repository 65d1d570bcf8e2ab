"""Keys for development, random per machine, readable by their owner alone: ``.local/keys``.

In production each service gets only the files it needs (deploy/kubernetes); who holds which is in docs/keys.md.
"""

import os
from pathlib import Path

import orjson
from joserfc.jwk import OKPKey

from shared.kit.sealing import KeyRing

RINGS = ("contact", "text", "step", "letter", "otp", "identity", "blind")


def make_keys(folder: Path) -> None:
    """Makes whatever is missing; a key that exists is never touched."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for ring in RINGS:
        path = folder / f"{ring}.json"
        if not path.exists():
            KeyRing.generate().save(path)
    for name in ("gateway-access", "gateway-internal"):
        private = folder / f"{name}.jwk"
        if not private.exists():
            key = OKPKey.generate_key("Ed25519", private=True)
            _write(private, key.as_dict(private=True))
            _write(folder / f"{name}.pub.jwk", key.as_dict(private=False))


def _write(path: Path, jwk: object) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(orjson.dumps(jwk))
