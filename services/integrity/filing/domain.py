"""Who gets to read a new report: all supervisors and one inspector, but nobody whom it is about.

Pure rules over plain values. Conflicts of interest: being of the accused body, in whichever province, or being named.
A name that matches by chance costs another inspector; one that is missed gives the report to the accused.
"""

import secrets
from collections.abc import Collection, Sequence
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
    belong to, None for those of the inspection itself; ``province`` None for the centre's. One who is not ``active``
    gets nothing, but may register again."""

    username: str
    role: str
    province: str | None
    organisation_id: str | None
    name: str
    key_id: UUID
    recipient: str
    load: int
    active: bool = True


@dataclass(frozen=True, slots=True)
class Accused:
    """Whom a report is about, as far as it can be told: the body, and the words in which people may be named.

    ``text`` is what was written, ``people`` the names that were given as such; both are kept folded."""

    organisation_id: str
    text: str = ""
    people: str = ""

    def __post_init__(self) -> None:
        """Folds once what is compared with many."""
        object.__setattr__(self, "text", fold(self.text))
        object.__setattr__(self, "people", fold(self.people))

    def names(self, name: str) -> bool:
        """Whether somebody of that full name is named: by the whole name anywhere, by a surname behind an address (in
        ``text``) or anywhere (in ``people``). All are folded, so that spelling and digits' script do not matter."""
        words = fold(name).split()
        written, named = f" {self.text} ", f" {self.people} "
        if not words:
            return False
        whole = f" {' '.join(words)} "
        if whole in named or (len(words) > 1 and whole in written):
            return True
        surnames = [f" {' '.join(words[start:])} " for start in range(1, len(words))] or [whole]
        return any(
            surname in named
            or (surname in written and any(f" {address}{surname}" in written for address in _ADDRESSES))
            for surname in surnames
        )


@dataclass(frozen=True, slots=True)
class Readers:
    """Who gets a grant at filing, and the custodians who may get shares; ``inspector`` None where all have a
    conflict or there is none. ``excluded``: the usernames of those who are named, who get no grant later either."""

    supervisors: tuple[Holder, ...]
    inspector: Holder | None
    custodians: tuple[Holder, ...]
    excluded: frozenset[str]


def is_of_body(holder: Holder, accused: Accused) -> bool:
    """Whether the holder is of the accused body: at its centre, or in any province's office of it."""
    return holder.organisation_id is not None and holder.organisation_id == accused.organisation_id


def readers(
    holders: Sequence[Holder],
    accused: Accused,
    province: str | None,
    sealed_to: Collection[UUID] | None = None,
) -> Readers:
    """Who may read the report, of all who ever registered a key: the active supervisors, and the inspector with the
    least in hand of the province, else of all provinces; where a client sealed, one of those whose keys it
    ``sealed_to``."""
    excluded = frozenset(holder.username for holder in holders if accused.names(holder.name))
    free = [
        holder
        for holder in holders
        if holder.active and not is_of_body(holder, accused) and holder.username not in excluded
    ]
    supervisors = tuple(holder for holder in free if holder.role == "supervisor")
    custodians = tuple(holder for holder in free if holder.role == "custodian")
    near = free if sealed_to is None else [holder for holder in free if holder.key_id in sealed_to]
    return Readers(supervisors, _inspector_of(near, province), custodians, excluded)


def _inspector_of(free: Sequence[Holder], province: str | None) -> Holder | None:
    """The inspector of the province (else of any) who has the least in hand; between equals the lot decides."""
    inspectors = [holder for holder in free if holder.role == "inspector"]
    near = [holder for holder in inspectors if holder.province == province] or inspectors
    if not near:
        return None
    least = min(holder.load for holder in near)
    return secrets.choice([holder for holder in near if holder.load == least])
