"""What inspection is told by its environment."""

from pathlib import Path

from pydantic import Field

from services.integrity.inspection.clocks import Terms
from shared.kit.settings import ServiceSettings


class InspectionSettings(ServiceSettings):
    """``days_…``: terms in working days; ``feedback_months`` in Jalali months; ``days_escalate`` from one level of a
    missed clock to the next. ``clock_seconds``: how often a worker looks. ``demo_inspectors``: a file of
    public keys, for development alone."""

    days_acknowledge: int = Field(default=3, ge=1, le=366)
    days_triage: int = Field(default=5, ge=1, le=366)
    days_assign: int = Field(default=2, ge=1, le=366)
    days_begin: int = Field(default=5, ge=1, le=366)
    days_investigate: int = Field(default=45, ge=1, le=366)
    days_answer: int = Field(default=10, ge=1, le=366)
    days_decide: int = Field(default=10, ge=1, le=366)
    days_escalate: int = Field(default=2, ge=1, le=366)
    feedback_months: int = Field(default=3, ge=1, le=24)
    clock_seconds: float = Field(default=60.0, gt=0)
    demo_inspectors: Path | None = None

    def terms(self) -> Terms:
        """The terms of a report's clocks."""
        return Terms(
            acknowledge=self.days_acknowledge,
            triage=self.days_triage,
            assign=self.days_assign,
            begin=self.days_begin,
            investigate=self.days_investigate,
            answer=self.days_answer,
            decide=self.days_decide,
            escalate=self.days_escalate,
            feedback_months=self.feedback_months,
        )
