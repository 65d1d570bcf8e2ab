"""What the simulator is told by its environment."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class SmscSettings(BaseSettings):
    """``SEDA_SMSC_PASSWORD`` must be given (at most 8 characters, as SMPP has it); a port of 0 is picked by the system.

    The last four are the faults it starts with; ``POST /faults`` changes them.
    """

    model_config = SettingsConfigDict(env_prefix="SEDA_SMSC_", extra="ignore", frozen=True, hide_input_in_errors=True)

    host: str = "127.0.0.1"
    port: int = Field(default=2775, ge=0, le=65535)
    phones_port: int = Field(default=8090, ge=0, le=65535, validation_alias="SEDA_PHONES_PORT")
    system_id: str = Field(default="seda", min_length=1, max_length=15)
    password: SecretStr = Field(min_length=1, max_length=8)
    journal: Path | None = None
    throttle_per_second: float | None = Field(default=None, gt=0)
    response_delay: float = Field(default=0.0, ge=0)
    receipt_delay: float = Field(default=0.1, ge=0)
    failure_rate: float = Field(default=0.0, ge=0, le=1)
