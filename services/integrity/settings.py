"""What integrity is told by its environment besides what every service is."""

from pathlib import Path

from shared.kit.settings import ServiceSettings


class IntegritySettings(ServiceSettings):
    """``uploads_dir``: the sealed pieces of files under way."""

    uploads_dir: Path = Path(".local/uploads/integrity")
