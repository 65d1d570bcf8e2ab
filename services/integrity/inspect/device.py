"""What happens on the holder's own device: opening, sealing, re-wrapping, shares. Takes the API's JSON, asks nobody."""

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Self
from uuid import UUID

import orjson

from services.integrity.filing.domain import Accused
from services.integrity.reports.content import open_content, seal_field
from services.integrity.reports.subjects import identity_subject, recovery_subject
from services.integrity.sealing.age import NotOpened, ReportKey, SecretKey, open_sealed
from services.integrity.sealing.shares import NotRecovered, Share, recover

TEXTS = ("note", "reason", "body", "text", "reference", "prevention")
"""Fields of steps that are sealed."""
_REPORTED = frozenset({"filed", "reporter_message"})
"""Steps that hold the reporter's own words."""
TOLD = frozenset({("message", "body"), ("decide", "text"), ("decide", "reference")})
"""Fields of steps that the reporter reads, too."""


class InConflict(Exception):
    """The report names whoever its keys would go to."""


class NotGranted(Exception):
    """The report's key is not granted to this device's key, or what was granted is another key than the report's."""


@dataclass(frozen=True)
class OpenedReport:
    """A report with its keys by epoch. ``document`` is the API's; ``contents`` the fields of each step by its number,
    None for what this device has no key of."""

    document: Mapping[str, Any]
    keys: Mapping[int, ReportKey] = field(repr=False)
    contents: Mapping[int, dict[str, Any] | None] = field(repr=False)

    @classmethod
    def of(cls, document: Mapping[str, Any], *mine: SecretKey) -> Self:
        """Opens what the API answered with the keys of this device (an old one, too). NotGranted if a grant holds
        another key than the report's public one: then what would be sealed to it is for somebody else's eyes."""
        recipients = {entry["epoch"]: entry["recipient"] for entry in document["epochs"]}
        owners = {key.recipient: key for key in mine}
        keys: dict[int, ReportKey] = {}
        for grant in document["grants"]:
            owner = owners.get(grant["recipient"])
            if owner is None:
                continue
            key = ReportKey.open_grant(base64.b64decode(grant["grant"]), owner)
            if (key.report, key.epoch) != (document["id"], grant["epoch"]):
                raise NotGranted("a grant is of another report or epoch")
            if key.key.recipient != recipients[key.epoch]:
                raise NotGranted("a grant is of another key than the report's")
            keys[key.epoch] = key
        return cls(document, keys, {step["seq"]: _content(step, keys) for step in document["steps"] if step["sealed"]})

    def sealed(self, step: Mapping[str, Any]) -> dict[str, Any]:
        """A step whose texts are sealed on this device: to the report's present key, and what the reporter reads to
        their box, too."""
        sealed = dict(step)
        for name in TEXTS:
            if (value := sealed.pop(name, None)) is not None:
                told = [self.document["box_recipient"]] if (step["type"], name) in TOLD else []
                sealed[f"sealed_{name}"] = seal_field(value, [self.document["recipient"], *told])
        return sealed

    def file(self, file: Mapping[str, Any], sealed: bytes) -> bytes:
        """A file of ``attachments``, opened. NotOpened without its key, or if it is another file's bytes."""
        if sha256(sealed).hexdigest() not in (file["original_sha256"], file["cleaned_sha256"]):
            raise NotOpened("this is not the file that the report names")
        key = self.keys.get(file["epoch"])
        if key is None:
            raise NotOpened("the key of the file's epoch is not on this device")
        return open_sealed(sealed, key.key)

    def is_about(self, name: str) -> bool:
        """Whether the reporter named somebody of that full name, at filing or in a message since; by the rule that the
        service follows at filing, on what this device opens."""
        told = [step["seq"] for step in self.document["steps"] if step["type"] in _REPORTED]
        said = [content for seq in told if (content := self.contents.get(seq))]
        text = "\n".join(str(value) for content in said for field, value in content.items() if field != "people")
        people = "\n".join(str(content["people"]) for content in said if "people" in content)
        return Accused(self.document["organisation_id"], text, people).names(name)

    def regranted_to(self, holder: Mapping[str, Any]) -> dict[str, Any]:
        """As :meth:`regrant`, to a holder as the API shows them. InConflict if the report names them: of whoever
        registered a key after it was filed, or was named after that, only somebody who reads it can know."""
        if self.is_about(holder["name"]):
            raise InConflict(f"the report names {holder['name']} ({holder['username']}): give it to somebody else")
        return self.regrant(holder["recipient"])

    def regrant(self, recipient: str) -> dict[str, Any]:
        """``grant`` and ``earlier`` of the steps ``assign`` and ``grant``: all of the report's keys, re-wrapped.
        NotGranted if one of them is not on this device."""
        grants = _grants(self.keys, [entry["epoch"] for entry in self.document["epochs"]], recipient)
        present = grants.pop(self.document["epoch"])
        return {"grant": present, "earlier": {str(epoch): grant for epoch, grant in grants.items()}}


def _content(step: Mapping[str, Any], keys: Mapping[int, ReportKey]) -> dict[str, Any] | None:
    key = keys.get(step["epoch"])
    if key is None:
        return None
    try:
        return open_content(base64.b64decode(step["sealed"]), key.key)
    except NotOpened:
        return None


def _grants(keys: Mapping[int, ReportKey], epochs: Iterable[int], recipient: str) -> dict[int, str]:
    try:
        return {epoch: base64.b64encode(keys[epoch].grant(recipient)).decode() for epoch in epochs}
    except KeyError:
        raise NotGranted("a key of the report is not granted to this device") from None


def reason_of(opening: Mapping[str, Any], mine: SecretKey) -> str:
    """Why an opening was asked for; NotOpened if it was asked for before this custodian had this key."""
    return str(open_content(base64.b64decode(opening["reason"]), mine)["reason"])


def given(opening: Mapping[str, Any], *mine: SecretKey) -> list[dict[str, Any]]:
    """A custodian's shares, opened here and sealed anew to whoever asked: ``shares`` of what is posted."""
    return [
        {
            "epoch": share["epoch"],
            "among": share["among"],
            "share": base64.b64encode(_open_share(share, mine).sealed_to(opening["recipient"])).decode(),
        }
        for share in opening["my_shares"]
    ]


def _open_share(share: Mapping[str, Any], mine: Iterable[SecretKey]) -> Share:
    for key in mine:
        try:
            return Share.open(base64.b64decode(share["share"]), key)
        except NotOpened:
            continue
    raise NotOpened("the share is sealed to no key of this device")


def recovered(opening: Mapping[str, Any], *mine: SecretKey) -> dict[int | None, SecretKey]:
    """The keys that the quorum's shares give, by epoch (None: the identity's), on the device of whoever asked.

    NotRecovered if a key's shares are too few, or they give another key than the report's.
    """
    subjects = {
        entry["epoch"]: identity_subject(UUID(opening["report_id"]))
        if entry["epoch"] is None
        else recovery_subject(UUID(opening["report_id"]), entry["epoch"])
        for entry in opening["keys"]
    }
    sets: dict[tuple[int | None, tuple[str, ...]], list[Share]] = defaultdict(list)
    for share in [*opening["my_shares"], *(opening["given_shares"] or [])]:
        opened = _open_share(share, mine)
        # the sealed share itself says what it is of, and among whom (by name, or by key where a client split it): the
        # API's word is not taken
        if opened.subject == subjects.get(share["epoch"]):
            sets[share["epoch"], opened.among].append(opened)
    return {entry["epoch"]: _recovered(entry, sets) for entry in opening["keys"]}


def _recovered(entry: Mapping[str, Any], sets: Mapping[tuple[int | None, tuple[str, ...]], list[Share]]) -> SecretKey:
    for (epoch, among), shares in sorted(sets.items(), key=lambda item: item[0][1]):
        if epoch == entry["epoch"] and {share.holder for share in shares} == set(among):
            return recover(shares, entry["recipient"])
    raise NotRecovered("not every custodian of a set has given a share")


def identity(opening: Mapping[str, Any], *mine: SecretKey) -> dict[str, Any]:
    """Who filed the report (``name``, ``mobile``; of a moved case ``postal_address``, too, and the mobile may be None),
    on the device of the custodian who asked."""
    key = recovered(opening, *mine)[None]
    found: dict[str, Any] = orjson.loads(open_sealed(base64.b64decode(opening["sealed"]), key))
    return found


def grants_to_holder(opening: Mapping[str, Any], *mine: SecretKey) -> dict[str, str]:
    """The recovered keys as grants to the new key of whoever lost theirs: ``grants`` of what is posted."""
    keys = {
        epoch: ReportKey(opening["report_id"], epoch, key)
        for epoch, key in recovered(opening, *mine).items()
        if epoch is not None
    }
    return {str(epoch): grant for epoch, grant in _grants(keys, sorted(keys), opening["holder_recipient"]).items()}
