"""What the gateway is told by its environment besides what every service is."""

from pathlib import Path

from pydantic import Field

from shared.kit.settings import ServiceSettings


class GatewaySettings(ServiceSettings):
    """``*_url``: where the services' APIs are. Lifetimes in seconds.
    ``upstream_connections`` stay open to each service; ``*_at_once`` are under way to each at most. ``witness_*``:
    where the transparency log brings its checkpoints; an address of the inside, never the public one.
    ``initial_password_days``: how long a password that somebody else made is good for choosing one's own."""

    port: int = Field(default=8080, ge=0, le=65535)
    intake_url: str = "http://127.0.0.1:8101"
    routing_url: str = "http://127.0.0.1:8102"
    sms_url: str = "http://127.0.0.1:8103"
    integrity_url: str = "http://127.0.0.1:8104"
    letters_url: str = "http://127.0.0.1:8105"
    upstream_seconds: float = 30.0
    upstream_connections: int = Field(default=256, ge=1)
    client_seconds: float = 15.0
    requests_at_once: int = Field(default=1024, ge=1)
    streams_at_once: int = Field(default=2048, ge=1)
    issuer: str = "seda"
    reporter_seconds: int = Field(default=1800, ge=60, le=3600)
    access_seconds: int = Field(default=600, ge=60, le=3600)
    refresh_days: int = Field(default=30, ge=1)
    refresh_grace_seconds: float = Field(default=0, ge=0, le=60)
    staff_refresh_hours: int = Field(default=12, ge=1)
    initial_password_days: int = Field(default=7, ge=1, le=30)
    otp_seconds: int = Field(default=300, ge=60)
    otp_tries: int = Field(default=5, ge=1)
    otp_resend_seconds: int = Field(default=60, ge=0)
    otp_per_number_hour: int = Field(default=10, ge=1)
    otp_per_ip_minute: int = Field(default=30, ge=1)
    otp_per_minute: int = Field(default=6000, ge=1)
    login_per_ip_minute: int = Field(default=30, ge=1)
    login_per_user_minute: int = Field(default=10, ge=1)
    requests_per_minute: int = Field(default=60_000, ge=1)
    password_hashes_at_once: int = Field(default=4, ge=1)
    witness_host: str = "127.0.0.1"
    witness_port: int = Field(default=8107, ge=1, le=65535)
    run_file: Path | None = None
    demo_logins: Path | None = None

    def upstreams(self) -> dict[str, str]:
        """The services' base URLs by name."""
        names = ("intake", "routing", "sms", "integrity", "letters")
        return {name: getattr(self, f"{name}_url").rstrip("/") for name in names}
