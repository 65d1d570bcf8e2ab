"""Sealing on the reporter's side: what an app does so that the service never sees a word (docs/integrity.md).

Pure: takes what ``GET /v1/reports/keys`` answered, gives what ``POST /v1/reports`` takes.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any
from uuid import uuid4

from services.integrity.reports.content import seal_field
from services.integrity.reports.subjects import identity_subject, recovery_subject
from services.integrity.sealing.age import ReportKey, SecretKey
from services.integrity.sealing.receipt_code import ReceiptCode, ReceiptKeys
from services.integrity.sealing.shares import Share, split

IDENTITY_CUSTODIANS = 2


@dataclass(frozen=True)
class SealedReport:
    """The body to send, the code that its reporter writes down, and what the code derives to."""

    body: dict[str, Any]
    code: ReceiptCode
    keys: ReceiptKeys


def seal_report(report: Mapping[str, Any], keys: Mapping[str, Any], *, named: Sequence[str] = ()) -> SealedReport:
    """A report (the body with plain fields, already normalised) sealed to the keys that the service named.

    ``named``: people whom the report is about. The service looks at them in memory so that none of them gets a grant.
    Takes some 0.1 s and 64 MiB for the receipt code.
    """
    plain = dict(report)
    contact = plain.pop("contact", None)
    report_id = uuid4()
    key = ReportKey.first(str(report_id))
    code = ReceiptCode.generate()
    receipt = code.derive(keys["receipt_service"])
    body: dict[str, Any] = {
        name: plain.pop(name)
        for name in ("mode", "organisation_id", "province", "language", "attachments")
        if name in plain
    }
    body |= {f"sealed_{name}": seal_field(value, [key.key.recipient]) for name, value in plain.items()}
    sealing: dict[str, Any] = {
        "report_id": str(report_id),
        "recipient": key.key.recipient,
        "named": list(named),
        "grants": [
            {"key_id": holder["key_id"], "sealed": _base64(key.grant(holder["recipient"]))}
            for holder in keys["holders"]
        ],
        "recovery": _shares(key.key, recovery_subject(report_id, key.epoch), keys["custodians"], keys["quorum"]),
    }
    if contact is not None:
        identity = SecretKey.generate()
        body["sealed_contact"] = seal_field({name: contact[name] for name in ("name", "mobile")}, [identity.recipient])
        two = keys["custodians"][:IDENTITY_CUSTODIANS]
        sealing["identity"] = {
            "recipient": identity.recipient,
            "shares": _shares(identity, identity_subject(report_id), two, IDENTITY_CUSTODIANS),
        }
        if contact.get("notify"):
            sealing["notify_mobile"] = contact["mobile"]
    body["sealing"] = sealing
    body["box"] = box_of(code, receipt)
    return SealedReport(body, code, receipt)


def box_of(code: ReceiptCode, keys: ReceiptKeys) -> dict[str, str]:
    """The member ``box`` of a report whose receipt code the client made itself, whether or not it seals the rest."""
    return {"locator": code.locator, "auth_hash": keys.auth_hash.hex(), "recipient": keys.box.recipient}


def session_of(code: ReceiptCode, keys: ReceiptKeys) -> dict[str, str]:
    """The body of ``POST /v1/reports/session`` where the client keeps the box's key to itself."""
    return {"locator": code.locator, "auth": keys.auth.hex()}


def seal_message(body: str, mine: Mapping[str, Any]) -> dict[str, Any]:
    """The body of ``POST /v1/reports/mine/messages``, sealed to what ``GET /v1/reports/mine`` named."""
    return {"sealed_body": seal_field(body, [mine["recipient"], mine["box_recipient"]]), "epoch": mine["epoch"]}


def _shares(key: SecretKey, subject: str, custodians: Sequence[Mapping[str, Any]], quorum: int) -> list[dict[str, Any]]:
    """As ``shares_of``, the custodians known by the ids of their keys."""
    secret = key.secret_text().encode()
    recipients = {custodian["key_id"]: custodian["recipient"] for custodian in custodians}
    shares = []
    for among in combinations(sorted(recipients), quorum):
        for key_id, value in zip(among, split(secret, quorum), strict=True):
            sealed = Share(subject, among, key_id, value).sealed_to(recipients[key_id])
            shares.append({"among": list(among), "key_id": key_id, "sealed": _base64(sealed)})
    return shares


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
