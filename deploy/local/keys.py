"""Keys for development, random per machine, readable by their owner alone: ``.local/keys``.

In production each service gets only the files it needs (deploy/kubernetes); who holds which is in docs/keys.md.
"""

from pathlib import Path

import orjson
from joserfc.jwk import OKPKey

from deploy.local.files import write_private
from shared.kit.sealing import KeyRing

RINGS = ("contact", "text", "step", "letter", "otp", "identity", "blind", "uploads", "integrity-uploads")


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
            # the public half first: where the private one stands, both do
            write_private(folder / f"{name}.pub.jwk", orjson.dumps(key.as_dict(private=False)))
            write_private(private, orjson.dumps(key.as_dict(private=True)))
