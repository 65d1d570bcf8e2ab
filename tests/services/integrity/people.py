"""Who there is in the tests of integrity, and what they do over its API."""

import json
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from services.integrity.app import Resources
from services.integrity.sealing.age import SecretKey
from services.integrity.settings import IntegritySettings
from shared.kit.auth import Mint, Principal
from shared.kit.db import Database

DIRECTORY = (["sso", "behzisti"], json.dumps({"sso-insurance": "sso", "behzisti-support": "behzisti"}))

PUBLIC = Principal("public", "public")


def staff(username: str, role: str, name: str, province: str | None = None, department: str | None = None) -> Principal:
    """A member of staff with one role."""
    return Principal(
        "staff",
        username,
        roles=frozenset({role}),
        province=province,
        department_id=department,
        name=name,
        title="بازرسی",
    )


STAFF = (
    staff("supervisor.a", "supervisor", "نگار پاک‌نژاد"),
    staff("supervisor.b", "supervisor", "بهمن راستگو"),
    staff("tehran.a", "inspector", "آرش کیانی", "IR-23"),
    staff("tehran.b", "inspector", "مینا سهرابی", "IR-23"),
    staff("tehran.sso", "inspector", "کاوه مهرآرا", "IR-23", "sso-insurance"),
    staff("isfahan.a", "inspector", "لادن فروهر", "IR-10"),
    staff("khuzestan.sso", "inspector", "سامان دهقان", "IR-06", "sso-insurance"),
    *(staff(f"custodian.{n}", "custodian", f"امین {name}") for n, name in enumerate(["الف", "ب", "پ", "ت", "ث"], 1)),
)

REPORT = {
    "mode": "anonymous",
    "organisation_id": "sso",
    "province": "IR-23",
    "subject": "دریافت رشوه برای ثبت سابقه",
    "narrative": "در شعبه برای ثبت سابقهٔ بیمه پول نقد گرفته می‌شود و رسید نمی‌دهند.",
    "people": "کارمند باجهٔ ۳",
    "occurred": "مهر ۱۴۰۴",
    "amount_rial": "۵۰٬۰۰۰٬۰۰۰",
}

CONTACT = {"name": "ژیان قناری‌پور", "mobile": "۰۹۱۲ ۱۲۳ ۴۵۶۷", "notify": True}


class Irm:
    """A client of integrity, an administrator's connection to its database, and everybody's private keys."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        database: asyncpg.Connection,
        mint: Mint,
        settings: IntegritySettings,
        resources: Resources,
        own: Database,
    ) -> None:
        self.http = http
        self.database = database
        self.settings = settings
        self.resources = resources
        self.database_of_service = own
        self.private: dict[str, SecretKey] = {}
        self._mint = mint

    def caller(self, principal: Principal = PUBLIC) -> dict[str, str]:
        """The headers of anybody."""
        return {"Authorization": f"Bearer {self._mint.token(principal, 'integrity')}"}

    async def register(self, person: Principal) -> SecretKey:
        """A new key of that person, registered."""
        key = SecretKey.generate()
        answer = await self.http.put(
            "/v1/inspect/keys/me", json={"recipient": key.recipient}, headers=self.caller(person)
        )
        assert answer.status_code == 200, answer.text
        self.private[person.subject] = key
        return key

    async def post(self, body: Any, *, key: str | None = None, caller: Principal = PUBLIC) -> httpx.Response:
        """Files whatever is given, under a key of its own or the given one."""
        headers = {**self.caller(caller), "Idempotency-Key": key or str(uuid4())}
        return await self.http.post("/v1/reports", json=body, headers=headers)

    async def file(self, **changes: Any) -> dict[str, Any]:
        """A report filed, and its row as ``row``."""
        answer = await self.post({**REPORT, **changes})
        assert answer.status_code == 201, answer.text
        filed: dict[str, Any] = answer.json()
        return {**filed, "row": await self.row(filed["report_no"])}

    async def row(self, report_no: str) -> asyncpg.Record:
        """A report's row."""
        return await self.database.fetchrow("SELECT * FROM reports WHERE report_no = $1", report_no)

    async def upload(self, content: bytes, caller: dict[str, str]) -> str:
        """A whole file, uploaded with those headers; its id."""
        headers = {
            **caller,
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(len(content)),
            "Content-Type": "application/offset+octet-stream",
        }
        answer = await self.http.post("/v1/uploads", content=content, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"].rpartition("/")[2]

    async def session(self, **body: Any) -> dict[str, str]:
        """The headers of a reporter by their receipt code (or by what a client derived from it)."""
        answer = await self.http.post("/v1/reports/session", json=body, headers=self.caller())
        assert answer.status_code == 200, answer.text
        opened = answer.json()
        return self.caller(Principal("reporter", opened["report_id"], box=opened["box"]))
