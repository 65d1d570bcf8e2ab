"""The demo inspectors', supervisor's and custodians' key files: ``.local/demo-keys/{username}.age``, mode 600.

Elsewhere everybody makes their key on their own device and registers its public half; the demo's people have no device,
so their private keys lie on this machine. The service is told the public halves alone (``services.integrity.seed``).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from deploy.local.files import write_private
from deploy.local.people import TAXONOMY
from deploy.local.system import INSPECTORS
from services.integrity.inspect.keyfile import load_or_make

ROLES = frozenset({"inspector", "supervisor", "custodian"})
_TOLD = ("username", "roles", "department_id", "province", "name", "title")


def write_demo_keys(base: Path, staff: Iterable[Mapping[str, Any]]) -> None:
    """Makes the keys that are missing under ``base``, and the list of who has which, for the service's seed."""
    departments = orjson.loads(TAXONOMY.read_bytes())["departments"]
    bodies = {entry["id"]: entry["body_id"] for entry in departments}
    folder = base / "demo-keys"
    folder.mkdir(mode=0o700, exist_ok=True)
    holders = [
        {
            **{name: person[name] for name in _TOLD if name in person},
            "organisation_id": bodies.get(person.get("department_id")),
            "recipient": load_or_make(folder / f"{person['username']}.age").recipient,
        }
        for person in staff
        if ROLES & set(person["roles"])
    ]
    write_private(base / INSPECTORS, orjson.dumps(holders, option=orjson.OPT_INDENT_2))
