"""Who gets to read a new report: all supervisors and one inspector, but nobody whom it is about.

Pure rules over plain values. Conflicts of interest: being of the accused body, in whichever province, or being named.
A name that matches by chance costs another inspector; one that is missed gives the report to the accused.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.persian.text import fold

# what stands before a surname when somebody is named
_ADDRESSES = tuple(
    fold(word)
    for word in (
        *("آقای", "آقا", "خانم", "جناب", "سرکار", "مهندس", "دکتر", "حاج", "سید", "بازرس", "سرپرست"),
        *("mr", "mrs", "ms", "dr", "inspector"),
    )
)


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who holds a key, and how many reports they have in hand. ``organisation_id`` is the body that they
    belong to, None for those of the inspection itself; ``province`` None for the centre's."""

    username: str
    role: str
    province: str | None
    organisation_id: str | None
    name: str
    key_id: UUID
    recipient: str
    load: int


@dataclass(frozen=True, slots=True)
class Accused:
    """Whom a report is about, as far as it can be told: the body, and the words in which people may be named.

    ``text`` is what was written, ``people`` the names that were given as such."""

    organisation_id: str
    text: str = ""
    people: str = ""


@dataclass(frozen=True, slots=True)
class Readers:
    """Who gets a grant at filing, and the custodians who may get shares; ``inspector`` None where all have a
    conflict or there is none."""

    supervisors: tuple[Holder, ...]
    inspector: Holder | None
    custodians: tuple[Holder, ...]


def names(text: str, people: str, name: str) -> bool:
    """Whether somebody of that full name is named: by the whole name anywhere, by a surname behind an address (in
    ``text``) or anywhere (in ``people``). All are folded, so that spelling and digits' script do not matter."""
    words = fold(name).split()
    written, named = f" {fold(text)} ", f" {fold(people)} "
    if not words:
        return False
    whole = f" {' '.join(words)} "
    if whole in named or (len(words) > 1 and whole in written):
        return True
    surnames = [f" {' '.join(words[start:])} " for start in range(1, len(words))] or [whole]
    return any(
        surname in named or any(f" {address}{surname}" in written for address in _ADDRESSES) for surname in surnames
    )


def has_conflict(holder: Holder, accused: Accused) -> bool:
    """Whether the holder is of the accused body or is named."""
    if holder.organisation_id is not None and holder.organisation_id == accused.organisation_id:
        return True
    return names(accused.text, accused.people, holder.name)


def readers(holders: Sequence[Holder], accused: Accused, province: str | None) -> Readers:
    """Who may read the report: the inspector with the least in hand of the province, else of all provinces."""
    free = [holder for holder in holders if not has_conflict(holder, accused)]
    supervisors = tuple(holder for holder in free if holder.role == "supervisor")
    custodians = tuple(holder for holder in free if holder.role == "custodian")
    return Readers(supervisors, inspector_of(free, province), custodians)


def inspector_of(free: Sequence[Holder], province: str | None) -> Holder | None:
    """The inspector of the province (else of any) who has the least in hand; between equals the lot decides."""
    inspectors = [holder for holder in free if holder.role == "inspector"]
    near = [holder for holder in inspectors if holder.province == province] or inspectors
    if not near:
        return None
    least = min(holder.load for holder in near)
    return secrets.choice([holder for holder in near if holder.load == least])
