"""Keys for development, random per machine, readable by their owner alone: ``.local/keys``.

In production each service gets only the files it needs (deploy/kubernetes); who holds which is in docs/keys.md.
"""

from pathlib import Path

import orjson
from joserfc.jwk import OKPKey

from deploy.local.files import write_private
from shared.kit.sealing import KeyRing
from shared.kit.tlog.cosignature import COSIGNATURE
from shared.kit.tlog.notes import ED25519, SigningKey

RINGS = (
    *("contact", "text", "step", "letter", "otp", "identity", "blind", "uploads"),
    *("notify", "box", "filing", "integrity-uploads", "move"),
)

LOG_ORIGIN = "seda.localhost/v1/log"
WITNESSES = {service: f"seda.localhost/witness/{service}" for service in ("gateway", "letters")}
"""The witnesses' names by the service that is it."""


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
    _make_log_keys(folder)


def _make_log_keys(folder: Path) -> None:
    """The log's key, each witness's, and the policy by which both of them must have countersigned."""
    log = note_key(folder / "log.skey", LOG_ORIGIN, ED25519)
    witnesses = [note_key(folder / f"witness-{service}.skey", name, COSIGNATURE) for service, name in WITNESSES.items()]
    policy = {
        "origin": LOG_ORIGIN,
        "logs": [str(log.verifier_key)],
        "witnesses": [str(witness.verifier_key) for witness in witnesses],
        "quorum": len(witnesses),
    }
    if not (folder / "log-policy.json").exists():
        write_private(folder / "log-policy.json", orjson.dumps(policy, option=orjson.OPT_INDENT_2) + b"\n")


def note_key(path: Path, name: str, kind: int) -> SigningKey:
    """The key for signed notes in a file, made if there is none; ``kind`` as C2SP numbers signatures."""
    if not path.exists():
        write_private(path, SigningKey.generate(name, kind).secret_text().encode() + b"\n")
    return SigningKey.parse(path.read_text(), kind)
