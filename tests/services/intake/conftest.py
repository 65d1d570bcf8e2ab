"""intake's API in this process, on a real PostgreSQL, with a directory of one category."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from deploy.local.keys import make_keys
from services.intake.attachments.api import router as attachments_router
from services.intake.attachments.api import uploads as uploads_router
from services.intake.attachments.service import Attachments
from services.intake.cases.api import router
from services.intake.directory.known import Directory
from services.intake.filing import api as filing_api
from services.intake.filing.repository import write_cases
from services.intake.filing.service import CaseFiling
from services.intake.keys import IntakeKeys
from services.intake.moving.api import router as moving_router
from services.intake.settings import IntakeSettings
from shared.kit.auth import Mint, Principal, Verifier
from shared.kit.db import Database
from shared.kit.migrate import upgrade
from shared.kit.sealing import seal
from shared.kit.settings import ServiceSettings
from shared.kit.uploads import install_uploads
from shared.kit.web.app import create_api
from shared.kit.writer import GroupWriter

MOBILE = "+989121234567"


class Resources:
    """As intake's own, made for a test."""

    def __init__(self, keys: IntakeKeys, filing: CaseFiling, directory: Directory, attachments: Attachments) -> None:
        self.keys = keys
        self.filing = filing
        self.directory = directory
        self.attachments = attachments


class Intake:
    """A client of intake, a connection to its database, and tokens."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        database: asyncpg.Connection,
        mint: Mint,
        keys: IntakeKeys,
        directory: Directory,
    ) -> None:
        self.http = http
        self.database = database
        self.mint = mint
        self.keys = keys
        self.directory = directory

    def citizen(self, mobile: str = MOBILE) -> dict[str, str]:
        """The headers of a citizen."""
        subject = str(self.keys.blind.citizen_id(mobile))
        mob = seal(self.keys.identity, mobile.encode(), b"mobile:" + subject.encode())
        return self.caller(Principal("citizen", subject, mob=mob))

    def caller(self, principal: Principal) -> dict[str, str]:
        """The headers of anybody."""
        return {"Authorization": f"Bearer {self.mint.token(principal, 'intake')}"}


@pytest.fixture(scope="module")
def dsn(postgres_database: str) -> str:
    """A migrated database of intake."""
    upgrade("services.intake", postgres_database)
    return postgres_database


@pytest.fixture
async def intake(dsn: str, tmp_path: Path) -> AsyncIterator[Intake]:
    """intake, empty."""
    make_keys(tmp_path)
    keys = IntakeKeys.load(ServiceSettings(keys_dir=tmp_path))
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "TRUNCATE cases, tracking_codes, filing_keys, outbox, timeline, messages, idempotency, uploads, attachments,"
        " moved_claims"
    )
    database = Database.connect(dsn, pool_size=4)
    directory = Directory(1, frozenset({"sso-insurance.missing-record"}), frozenset({"sso"}))
    settings = IntakeSettings(keys_dir=tmp_path, uploads_dir=tmp_path / "up", attachments_dir=tmp_path / "files")
    attachments = Attachments.make(settings, database, keys)
    api = create_api("intake", routers=[router, attachments_router, uploads_router, moving_router])
    install_uploads(api, attachments.uploads)
    filing_api.install(api)
    async with GroupWriter(database, write_cases) as writer:
        api.state.database = database
        api.state.verifier = Verifier.load(tmp_path / "gateway-internal.pub.jwk", "intake")
        api.state.resources = Resources(keys, CaseFiling(writer, database, keys, attachments), directory, attachments)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://intake") as http:
            yield Intake(http, connection, Mint.load(tmp_path / "gateway-internal.jwk"), keys, directory)
    await database.close()
    await connection.close()
