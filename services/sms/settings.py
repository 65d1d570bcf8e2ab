"""What sms is told by its environment besides what every service is."""

from pydantic import Field, SecretStr

from shared.kit.settings import ServiceSettings


class SmsSettings(ServiceSettings):
    """``smsc_*``: the operator's SMSC; ``sms_from``: the number that texts come from; ``sms_at_once``: how many step
    texts may be on their way at a time, besides the login codes. ``sms_quiet_*``: the hours in Tehran between which
    bulk texts wait; the same hour twice for none."""

    smsc_host: str = "127.0.0.1"
    smsc_port: int = Field(default=2775, ge=1, le=65535)
    smsc_system_id: str = "seda"
    smsc_password: SecretStr = SecretStr("seda")
    smsc_window: int = Field(default=10, ge=1, le=500)
    sms_from: str = "98300060"
    sms_at_once: int = Field(default=64, ge=1, le=1000)
    sms_quiet_from: int = Field(default=21, ge=0, le=23)
    sms_quiet_until: int = Field(default=8, ge=0, le=23)
