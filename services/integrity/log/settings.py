"""What the log is told by its environment."""

from pydantic import Field, SecretStr
from sqlalchemy.engine import make_url

from services.integrity.log.ownership import SEQUENCER
from shared.kit.settings import ServiceSettings


class LogSettings(ServiceSettings):
    """``log_postgres_password``: of the sequencer's role. ``log_witnesses``: where each witness takes checkpoints, by
    its name in ``log-policy.json`` (JSON: ``{"<name>": "<URL>"}``), ``/add-checkpoint`` left out.
    ``log_batch_seconds``: at most so long is gathered for one checkpoint."""

    log_postgres_password: SecretStr | None = None
    log_witnesses: dict[str, str] = Field(default_factory=dict)
    log_batch_seconds: float = Field(default=0.2, gt=0, le=1)

    def log_dsn(self) -> str:
        """The sequencer's DSN to the service's database. Holds the password."""
        password = self.log_postgres_password.get_secret_value() if self.log_postgres_password else None
        url = make_url(self.postgres_dsn("integrity")).set(username=SEQUENCER, password=password)
        return url.render_as_string(hide_password=False)
