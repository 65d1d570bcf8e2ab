"""What an audit finds."""

from dataclasses import dataclass
from typing import Any

import orjson

from services.integrity.log.leaf import NONCE_BYTES, Leaf, commit_case


@dataclass(frozen=True, slots=True)
class Finding:
    """A row that is not as it must be: of which table, which one, and what is wrong with it, in plain English.

    Holds no content: indexes, sizes, numbers of rows, names of witnesses, references of chains.
    """

    table: str
    row: str
    fault: str

    def __str__(self) -> str:
        return f"{self.table}, {self.row}: {self.fault}"


def leaf_row(row: Any) -> str:
    """How a row of ``log_leaves`` (with ``id, chain, seq``) is named."""
    return f"id {row['id']} (chain {row['chain']}, seq {row['seq']})"


def document(data: bytes | None) -> dict[str, Any]:
    """The JSON object that ``data`` is; an empty one for whatever else somebody put there."""
    try:
        found = orjson.loads(data or b"")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def opens(leaf: Leaf, nonce: bytes, chain: str) -> bool:
    """Whether the nonce opens the leaf's commitment to its chain."""
    return len(nonce) == NONCE_BYTES and leaf.case_commit == commit_case(nonce, chain)
