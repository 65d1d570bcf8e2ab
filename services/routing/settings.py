"""What routing is told by its environment besides what every service is."""

from pathlib import Path

from shared.kit.settings import ServiceSettings


class RoutingSettings(ServiceSettings):
    """``attachments_dir``: the sealed files of cases, which intake writes."""

    attachments_dir: Path = Path(".local/attachments")
