"""The envelope every event travels in: CloudEvents 1.0 attributes, and what Seda adds to them."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

Sealed = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}\.[A-Za-z0-9_-]+$", max_length=65536)]
"""Bytes encrypted under a key that only the services concerned hold: ``<key id>.<base64url>``."""

Language = Literal["fa", "en"]


class Frozen(BaseModel):
    """Immutable; unknown fields are ignored, because within a version fields are only ever added."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Actor(Frozen):
    """Who caused the event. ``id`` is opaque and ``title`` is an office's title, never a person's name."""

    kind: Literal["citizen", "staff", "partner", "system"]
    id: str | None = None
    title: str | None = None


SYSTEM = Actor(kind="system")


class Event(Frozen):
    """A fact that one service tells the others. Subclasses pin ``type``, ``source`` and the shape of ``data``.

    ``subject`` is the aggregate's id; ``sequence`` counts from 1 without gaps per source and subject; ``time`` is
    UTC; ``causation_id`` is the event that came before it in the same story, so that a consumer of several
    producers can keep the order.
    """

    TYPE: ClassVar[str]
    SOURCE: ClassVar[str]

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: str
    type: str
    subject: str
    time: AwareDatetime
    sequence: Annotated[int, Field(ge=1)]
    traceparent: Annotated[str, StringConstraints(max_length=64)] | None = None
    actor: Actor = SYSTEM
    case_id: UUID | None = None
    causation_id: UUID | None = None

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        """Reads the pinned ``type`` and ``source`` off the subclass, so that they are written down once."""
        super().__pydantic_init_subclass__(**kwargs)
        for attribute, name in (("TYPE", "type"), ("SOURCE", "source")):
            default = cls.model_fields[name].default
            if isinstance(default, str):
                setattr(cls, attribute, default)


class DepartmentRef(Frozen):
    """A department as the citizen is told of it."""

    id: str
    name_fa: str
    name_en: str


class CategoryRef(Frozen):
    """A category of the taxonomy as the citizen is told of it."""

    id: str
    name_fa: str
    name_en: str


CaseKind = Literal["complaint", "request", "suggestion"]
Channel = Literal["app", "web", "phone", "in_person", "letter", "partner"]
CaseStatus = Literal[
    "registered", "assigned", "in_progress", "awaiting_citizen", "decided", "closed", "reopened", "withdrawn", "moved"
]
Outcome = Literal["upheld", "partly_upheld", "not_upheld", "answered", "accepted", "out_of_remit"]
