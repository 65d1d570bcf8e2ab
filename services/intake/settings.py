"""What intake is told by its environment besides what every service is."""

from pathlib import Path

from pydantic import Field

from shared.kit.settings import ServiceSettings


class IntakeSettings(ServiceSettings):
    """``filing_writers``: how many transactions may write new cases at a time; ``filing_batch``: cases in one of them;
    ``filing_key_days``: how long an Idempotency-Key is remembered. ``uploads_dir``: the sealed pieces of files under
    way. ``attachments_dir``: the sealed files of cases, which routing reads; ``handover_dir``: those
    of moved cases, which integrity reads. ``claim_days``: how long the citizen of a moved case may fetch the receipt
    code of the report that was made of it (integrity goes by the same setting)."""

    filing_writers: int = Field(default=2, ge=1, le=16)
    filing_batch: int = Field(default=128, ge=1, le=1000)
    filing_key_days: int = Field(default=7, ge=1)
    uploads_dir: Path = Path(".local/uploads/intake")
    attachments_dir: Path = Path(".local/attachments")
    handover_dir: Path = Path(".local/handover")
    claim_days: int = Field(default=90, ge=1, le=3650)
