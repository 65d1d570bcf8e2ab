"""What routing is told by its environment besides what every service is."""

from pathlib import Path

from shared.kit.settings import ServiceSettings


class RoutingSettings(ServiceSettings):
    """``routing_dir``: where trained models are kept; what is lost there is trained or fetched again.
    ``attachments_dir``: the sealed files of cases, which intake writes. ``fonts_dir``: Vazirmatn's files, for the
    monthly report."""

    routing_dir: Path = Path(".local/routing")
    attachments_dir: Path = Path(".local/attachments")
    fonts_dir: Path = Path(".local/fonts")
