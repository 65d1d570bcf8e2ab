"""What is shown of a case's files."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict


class AttachmentOut(BaseModel):
    """A file of a case: ``n`` is its place among them, ``size`` its bytes as they can be had; ``message_id`` of the
    message that brought it, None if it came with the case."""

    model_config = ConfigDict(frozen=True)

    n: int
    name: str
    media_type: str
    size: int
    message_id: UUID | None = None
