"""A service of nothing but uploads, for tests; as a process of its own by ``python -m``."""

import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from shared.kit.auth import Verifier, allow
from shared.kit.db import Database
from shared.kit.sealing import KeyRing
from shared.kit.uploads import PATH, FolderStore, Uploads, install_uploads, uploads_router
from shared.kit.web.app import create_api

SERVICE = "intake"
"""What the gateway takes it for."""


def files_api(uploads: Uploads, keys: Path) -> FastAPI:
    """The application; citizens and reporters may upload."""
    api = create_api(
        SERVICE,
        routers=[uploads_router(allow("citizen", "reporter"))],
        body_limits={PATH: uploads.limits.file_bytes},
    )
    api.state.verifier = Verifier.load(keys / "gateway-internal.pub.jwk", SERVICE)
    install_uploads(api, uploads)
    return api


def main(dsn: str, keys: str, folder: str, port: str) -> None:
    """Serves until it is killed."""
    database = Database.connect(dsn, pool_size=4)
    uploads = Uploads(database, FolderStore(Path(folder)), KeyRing.load(Path(keys) / "uploads.json"))
    uvicorn.run(files_api(uploads, Path(keys)), host="127.0.0.1", port=int(port), log_level="error")


if __name__ == "__main__":
    main(*sys.argv[1:])
