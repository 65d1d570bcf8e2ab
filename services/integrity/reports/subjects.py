"""What shares of a key say that they are of."""

from uuid import UUID


def recovery_subject(report_id: UUID, epoch: int) -> str:
    """Shares of a report's key."""
    return f"report:{report_id}:{epoch}"


def identity_subject(report_id: UUID) -> str:
    """Shares of the key that a reporter's name and number are sealed to."""
    return f"identity:{report_id}"
