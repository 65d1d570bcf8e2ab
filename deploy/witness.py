"""A witness outside the ministry, as a process: the edge of the world, for tests and for trying.

``python -m deploy.witness FOLDER --name NAME --port N``. Whoever countersigns in earnest runs a witness of their own
choice (https://c2sp.org/tlog-witness). This one is the protocol as the gateway and letters speak it, alone in a process
without a database: ``FOLDER`` holds ``log-policy.json``, for the log that it countersigns, and gets
``witness-outside.skey``, its key, and ``seen.json``, what it saw last.
"""

import argparse
import asyncio
import json
from contextlib import suppress
from pathlib import Path

from deploy.local.files import write_private
from deploy.local.keys import note_key
from shared.kit.tlog.cosignature import COSIGNATURE
from shared.kit.tlog.endpoint import PATH, WitnessServer, load_witness
from shared.kit.tlog.notes import VerifierKey
from shared.kit.tlog.witness import NOTHING_SEEN, Seen

_SERVICE = "outside"


class SeenFile:
    """``SeenCheckpoints`` in a JSON file, ``{origin: [size, root in hex]}``, of one process alone."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def latest(self, origin: str) -> Seen:
        """What was seen last, ``NOTHING_SEEN`` if nothing was."""
        return self._read().get(origin, NOTHING_SEEN)

    async def replace(self, origin: str, expected: Seen, seen: Seen) -> bool:
        """Writes ``seen`` if what is there is still ``expected``; whether it did. On disk when it returns."""
        known = self._read()
        if known.get(origin, NOTHING_SEEN) != expected:
            return False
        known[origin] = seen
        document = {name: [one.size, one.root.hex()] for name, one in known.items()}
        write_private(self._path, json.dumps(document, indent=2).encode())
        return True

    def _read(self) -> dict[str, Seen]:
        if not self._path.exists():
            return {}
        document = json.loads(self._path.read_bytes())
        return {origin: Seen(size, bytes.fromhex(root)) for origin, (size, root) in document.items()}


def make_witness_key(folder: Path, name: str) -> VerifierKey:
    """What such a witness countersigns by, for a policy; its key is made if there is none."""
    return note_key(folder / f"witness-{_SERVICE}.skey", name, COSIGNATURE).verifier_key


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m deploy.witness", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", required=True, help="what it is called, as a URL without its scheme")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8110)
    options = parser.parse_args()
    vkey = make_witness_key(options.folder, options.name)
    witness = load_witness(options.folder, _SERVICE, SeenFile(options.folder / "seen.json"))
    print(f"witness {vkey}\nat http://{options.host}:{options.port}{PATH}", flush=True)
    with suppress(KeyboardInterrupt):
        asyncio.run(WitnessServer("witness", witness, host=options.host, port=options.port).run())


if __name__ == "__main__":
    main()
