"""What a step's leaf covers: every row that the step brought, hash by hash, in one canonical document.

The leaf's ``ciphertext_sha256`` is the SHA-256 of this manifest (RFC 8785), so that a step's sealed content, its data,
its grants, shares and files can be neither changed nor removed nor added to without its being shown. The step keeps the
manifest itself, too (it holds hashes and no content), so that an audit can say which of them was.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import rfc8785

VERSION = 1
MOVING = (
    *("version", "assignee", "priority", "admissible", "notify_sealed"),
    *("round_since", "state_since", "unassigned_since"),
    *("acknowledged_at", "first_action_at", "finding_at", "outcome_told_at"),
)
"""The columns of ``reports`` that steps change and that no column of a step repeats. Manifests from before it was
covered do not hold ``version``."""


def manifest(
    step: Any,
    *,
    grants: Iterable[Any] = (),
    revoked: Iterable[str] = (),
    recovery: Iterable[Any] = (),
    identity: Iterable[Any] = (),
    files: Iterable[Any] = (),
    epochs: Iterable[Any] = (),
    excluded: Iterable[Any] = (),
    report: Any = None,
    left: dict[str, Any] | None = None,
) -> bytes:
    """The manifest of a step from the rows of its number, or from what is about to become them.

    ``step`` has the columns of ``report_steps``; ``grants``, ``recovery``, ``identity``, ``files``, ``epochs``,
    ``excluded`` those of their tables; ``revoked`` names the holders whose grants the step took away; ``report`` is the
    report's row for step 1 alone, whose fixed columns it covers; ``left`` is the report's row after the step, by
    :func:`moving`. Their order does not matter.
    """
    return rfc8785.dumps(
        {
            "v": VERSION,
            "at": step.at.astimezone(UTC).isoformat(),
            "visible": step.visible,
            "state": step.state,
            "epoch": step.epoch,
            "data": step.data,
            "sealed": _hash(step.sealed),
            "boxed": _hash(step.boxed),
            "grants": sorted(map(line_of_grant, grants)),
            "revoked": sorted(revoked),
            "recovery": sorted(map(line_of_recovery, recovery)),
            "identity": sorted(map(line_of_identity, identity)),
            "files": sorted(map(line_of_file, files)),
            "epochs": sorted(map(line_of_epoch, epochs)),
            "excluded": sorted(map(line_of_exclusion, excluded)),
            "report": None if report is None else fixed(report),
            "left": left,
        }
    )


def line_of_grant(row: Any) -> list[Any]:
    """A row of ``grants`` in a manifest."""
    return [row.epoch, row.holder, str(row.key_id), _hash(row.sealed)]


def line_of_recovery(row: Any) -> list[Any]:
    """A row of ``recovery_shares`` in a manifest."""
    return [row.epoch, *line_of_identity(row)]


def line_of_identity(row: Any) -> list[Any]:
    """A row of ``identity_shares`` in a manifest."""
    return [list(row.among), row.holder, str(row.key_id), _hash(row.sealed)]


def line_of_file(row: Any) -> list[Any]:
    """A row of ``report_files`` in a manifest."""
    return [
        *(row.n, row.epoch, row.media_type, row.size, row.cleaned_size),
        *(row.original_sha256.hex(), _hex(row.cleaned_sha256)),
    ]


def line_of_epoch(row: Any) -> list[Any]:
    """A row of ``report_epochs`` in a manifest."""
    return [row.epoch, row.recipient]


def line_of_exclusion(row: Any) -> list[Any]:
    """A row of ``report_exclusions`` in a manifest."""
    return [row.holder]


def fixed(report: Any) -> dict[str, Any]:
    """The columns of ``reports`` that never change, in a manifest."""
    return {
        "id": str(report.id),
        "report_no": report.report_no,
        "mode": report.mode,
        "organisation_id": report.organisation_id,
        "province": report.province,
        "language": report.language,
        "locator": report.locator,
        "auth_hash": report.auth_hash.hex(),
        "box_recipient": report.box_recipient,
        "filed_at": report.filed_at.astimezone(UTC).isoformat(),
        "identity": _hash(report.identity_sealed),
        "identity_recipient": report.identity_recipient,
    }


def moving(columns: dict[str, Any]) -> dict[str, Any]:
    """The columns ``MOVING`` of a report's row, in a manifest."""
    sealed: str | None = columns["notify_sealed"]
    plain = {**columns, "notify_sealed": _hash(sealed.encode() if sealed else None)}
    return {
        name: value.astimezone(UTC).isoformat() if isinstance(value := plain[name], datetime) else value
        for name in MOVING
    }


def _hash(data: bytes | None) -> str | None:
    return None if data is None else sha256(data).hexdigest()


def _hex(data: bytes | None) -> str | None:
    return None if data is None else data.hex()
