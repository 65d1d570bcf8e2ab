"""What every service is told by its environment (``SEDA_…``). A service subclasses it for what it alone needs."""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from shared.kit.sealing import KeyRing

_SERVICE = re.compile(r"[a-z][a-z_]{0,30}")


class ServiceSettings(BaseSettings):
    """Read from the environment when made; a missing or wrong setting raises a ValidationError that names no value.

    ``trusted_proxies``: addresses or networks, with commas between, whose ``X-Forwarded-For`` is believed.
    """

    model_config = SettingsConfigDict(env_prefix="SEDA_", extra="ignore", frozen=True, hide_input_in_errors=True)

    postgres_url: SecretStr = SecretStr("postgresql://127.0.0.1:5440")
    postgres_password: SecretStr | None = None
    postgres_pool: int = Field(default=16, ge=1, le=200)
    rabbitmq_url: SecretStr = SecretStr("amqp://127.0.0.1:5680/")
    keys_dir: Path = Path(".local/keys")
    host: str = "127.0.0.1"
    port: int = Field(default=8100, ge=0, le=65535)
    trusted_proxies: str = ""
    environment: Literal["development", "production"] = "production"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    trace_file: Path | None = None

    @field_validator("postgres_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr) -> SecretStr:
        try:
            url = make_url(value.get_secret_value())
        except ArgumentError:
            raise ValueError("not a URL") from None
        if url.get_backend_name() != "postgresql" or not url.host:
            raise ValueError("not the URL of a PostgreSQL server")
        return value

    def postgres_dsn(self, service: str) -> str:
        """``postgresql://seda_<service>:<password>@host:port/seda_<service>``: the service's own role and database.

        ``postgres_url`` names the server and its options; a user or database in it is replaced. Holds the password:
        for connecting, never for showing.
        """
        if not _SERVICE.fullmatch(service):
            raise ValueError("a service's name is lower-case letters")
        name = f"seda_{service}"
        password = self.postgres_password.get_secret_value() if self.postgres_password else None
        url = make_url(self.postgres_url.get_secret_value())
        url = url.set(drivername="postgresql", username=name, password=password, database=name)
        return url.render_as_string(hide_password=False)

    def ring(self, name: str) -> KeyRing:
        """The key ring ``<keys_dir>/<name>.json``; SealError if it is missing or is none."""
        return KeyRing.load(self.keys_dir / f"{name}.json")
