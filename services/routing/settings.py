"""What routing is told by its environment besides what every service is."""

from pathlib import Path

from shared.kit.settings import ServiceSettings


class RoutingSettings(ServiceSettings):
    """``attachments_dir``: the sealed files of cases, which intake writes. ``fonts_dir``: Vazirmatn's files, for the
    monthly report."""

    attachments_dir: Path = Path(".local/attachments")
    fonts_dir: Path = Path(".local/fonts")
