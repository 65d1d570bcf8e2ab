"""Files that come in pieces over bad networks: tus 1.0, sealed at rest, bound to their owner, claimed once."""

from shared.kit.uploads.api import PATH, install_uploads, uploads_router
from shared.kit.uploads.kinds import EXTENSIONS
from shared.kit.uploads.repository import UPLOADS_DDL
from shared.kit.uploads.service import ClaimedFile, Limits, Uploads, owner_of
from shared.kit.uploads.store import Damaged, FolderStore, Store

__all__ = [
    "EXTENSIONS",
    "PATH",
    "UPLOADS_DDL",
    "ClaimedFile",
    "Damaged",
    "FolderStore",
    "Limits",
    "Store",
    "Uploads",
    "install_uploads",
    "owner_of",
    "uploads_router",
]
