"""What integrity is told by its environment besides what every service, the log and inspection are."""

from pathlib import Path

from pydantic import Field, model_validator

from services.integrity.inspection.settings import InspectionSettings
from services.integrity.log.settings import LogSettings


class IntegritySettings(InspectionSettings, LogSettings):
    """``custodians``: among how many a report's key is split; ``quorum``: how many of them recover it together.
    ``receipt_service``: the installation's name, which salts receipt codes and never changes. ``receipt_seconds``: how
    long the answer to a filing waits for its proof; ``filing_batch``: how many reports are written at a time at most.
    ``derivations_at_once``: receipt codes worked on at a time, each in 64 MiB; ``derivations_waiting``: how many more
    may wait. ``codes_per_minute``: tries at one locator (or claim); ``codes_in_all_per_minute``: at all of them.
    ``claim_days``: how long the receipt code of a moved case waits to be fetched (intake goes by the same setting);
    ``claim_again_hours``: how long it may be fetched again. ``uploads_dir``: the sealed pieces of files under way;
    ``evidence_dir``: the files of reports, sealed to them; ``handover_dir``: those of cases that became reports, as
    intake handed them over. ``forget_after_days``: so long after a report ended its reporter is forgotten
    (``forgetting/service.py``); None, unless it is set: never by itself."""

    custodians: int = Field(default=5, ge=2, le=9)
    quorum: int = Field(default=3, ge=2, le=9)
    receipt_service: str = "seda/integrity"
    receipt_seconds: float = Field(default=3.0, ge=0, le=20)
    filing_batch: int = Field(default=32, ge=1, le=500)
    derivations_at_once: int = Field(default=2, ge=1, le=64)
    derivations_waiting: int = Field(default=64, ge=0)
    codes_per_minute: int = Field(default=10, ge=1)
    codes_in_all_per_minute: int = Field(default=600, ge=1)
    claim_days: int = Field(default=90, ge=1, le=3650)
    claim_again_hours: float = Field(default=24.0, ge=0, le=24 * 30)
    uploads_dir: Path = Path(".local/uploads/integrity")
    evidence_dir: Path = Path(".local/evidence")
    handover_dir: Path = Path(".local/handover")
    forget_after_days: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _quorum_of_custodians(self) -> "IntegritySettings":
        if self.quorum > self.custodians:
            raise ValueError("the quorum is larger than the number of custodians")
        return self
