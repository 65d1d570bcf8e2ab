"""Files that reporters and inspectors send: kept here alone, sealed, until a report or its evidence claims them."""

from services.integrity.settings import IntegritySettings
from shared.kit.auth import allow
from shared.kit.db import Database
from shared.kit.uploads import FolderStore, Uploads, uploads_router

MARK = "r"
"""Begins the ids of these uploads, by which the gateway sends them here whoever calls."""

router = uploads_router(allow("reporter", "citizen", "staff", roles=("inspector", "supervisor")))


def make_uploads(settings: IntegritySettings, database: Database) -> Uploads:
    """The uploads of this service. The original is evidence and is claimed as it came; what is shown of it is made by
    ``shared.kit.cleaning.clean``."""
    return Uploads(database, FolderStore(settings.uploads_dir), settings.ring("integrity-uploads"), mark=MARK)
