"""The private key on its holder's own device: a file of age's, for its owner alone.

The stock ``age`` reads it, too (``age -d -i FILE``).
"""

import os
from pathlib import Path

from services.integrity.sealing.age import KeyInvalid, SecretKey


class KeyFileInvalid(Exception):
    """A key file is missing, holds no key, or others may read it. Says which file, never what it holds."""


def make(path: Path) -> SecretKey:
    """A new random key in a new file of mode 600. FileExistsError if there is one: a key is never overwritten."""
    key = SecretKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"# public key: {key.recipient}\n{key.secret_text()}\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def load(path: Path) -> SecretKey:
    """The key in a file; KeyFileInvalid if there is none, or if anybody but its owner may read it."""
    try:
        if path.stat().st_mode & 0o077:
            raise KeyFileInvalid(f"{path} may be read by others; chmod 600 it, and think of whether they did")
        lines = path.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        raise KeyFileInvalid(f"{path} is no key file that can be read") from None
    for line in lines:
        if line.startswith("AGE-SECRET-KEY-1"):
            try:
                return SecretKey.parse(line.strip())
            except KeyInvalid:
                break
    raise KeyFileInvalid(f"{path} holds no key")


def load_or_make(path: Path) -> SecretKey:
    """The key in a file, which is made if it is not there."""
    try:
        return make(path)
    except FileExistsError:
        return load(path)
