"""What routing is told by its environment besides what every service is."""

from pathlib import Path

from pydantic import Field

from services.routing.clocks.domain import TriageDays
from shared.kit.settings import ServiceSettings


class RoutingSettings(ServiceSettings):
    """``routing_dir``: where trained models are kept; what is lost there is trained or fetched again.
    ``attachments_dir``: the sealed files of cases, which intake writes. ``fonts_dir``: Vazirmatn's files, for the
    monthly report. ``triage_…days``: working days that a case may wait in triage before it comes before the centre, and
    one that may be of corruption; 0: until the end of the day."""

    routing_dir: Path = Path(".local/routing")
    attachments_dir: Path = Path(".local/attachments")
    fonts_dir: Path = Path(".local/fonts")
    triage_days: int = Field(default=1, ge=0, le=30)
    triage_restricted_days: int = Field(default=0, ge=0, le=30)

    def triage(self) -> TriageDays:
        """The terms of triage."""
        return TriageDays(self.triage_days, self.triage_restricted_days)
