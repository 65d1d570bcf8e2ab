"""What routing is told by its environment besides what every service is."""

from pathlib import Path

from shared.kit.settings import ServiceSettings


class RoutingSettings(ServiceSettings):
    """``fonts_dir``: Vazirmatn's files, for the monthly report."""

    fonts_dir: Path = Path(".local/fonts")
