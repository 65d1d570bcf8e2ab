"""Whatever is sent, nothing breaks, nothing is repeated, and nothing half-made is kept."""

import json
import random
from typing import Any
from uuid import uuid4

from services.integrity.client import seal_report
from shared.kit.auth import Principal
from tests.services.integrity.people import CONTACT, REPORT, Irm

CANARY = "قناری‌بدخواه"
JUNK: list[Any] = [
    None,
    "",
    CANARY,
    "\u0000",
    "\ud800",
    "\u202e" + CANARY,
    "x" * 5000,
    -1,
    10**30,
    1.5,
    True,
    [],
    {},
    [CANARY],
    {"recipient": CANARY},
    "age1" + "q" * 58,
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSA=",
    str(uuid4()),
    "00000000-0000-1000-8000-000000000000",
]


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON document, the root left out."""
    found = [path] if path else []
    if isinstance(node, dict):
        return found + [place for name, child in node.items() for place in places(child, (*path, name))]
    if isinstance(node, list):
        return found + [place for n, child in enumerate(node[:2]) for place in places(child, (*path, n))]
    return found


def spoilt(document: Any, choose: random.Random) -> Any:
    """A copy with something else, or nothing, at one or two places."""
    copy = json.loads(json.dumps(document))
    for _ in range(choose.randint(1, 2)):
        *way, last = choose.choice(places(copy))
        parent = copy
        for step in way:
            parent = parent[step]
        if choose.random() < 0.2:
            del parent[last]
        else:
            parent[last] = choose.choice(JUNK)
    return copy


async def test_spoilt_reports_are_refused_or_whole(irm: Irm) -> None:
    keys = (await irm.http.get("/v1/reports/keys?organisation_id=sso", headers=irm.caller())).json()
    sealed = seal_report({**REPORT, "mode": "named", "amount_rial": 1, "contact": CONTACT}, keys).body
    box = {"locator": "12345678", "auth_hash": "0" * 64, "recipient": sealed["box"]["recipient"]}
    plain = {**REPORT, "mode": "confidential", "contact": CONTACT, "box": box, "language": "fa"}
    choose = random.Random(20261124)
    before = await irm.database.fetchval("SELECT count(*) FROM reports")
    filed = 0
    for n in range(100):
        body = spoilt(sealed if n % 2 else plain, choose)
        content = json.dumps(body).encode()
        headers = {**irm.caller(), "Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
        answer = await irm.http.post("/v1/reports", content=content, headers=headers)
        assert answer.status_code in (201, 400, 409, 413, 422), answer.text
        assert CANARY not in answer.text
        filed += answer.status_code == 201
    assert await irm.database.fetchval("SELECT count(*) FROM reports") == before + filed
    torn = "SELECT count(*) FROM reports r WHERE NOT EXISTS (SELECT 1 FROM report_steps WHERE report_id = r.id)"
    assert await irm.database.fetchval(torn) == 0


async def test_spoilt_sessions_and_messages_break_nothing(irm: Irm) -> None:
    filed = await irm.file()
    caller = await irm.session(receipt_code=filed["receipt_code"])
    for junk in JUNK:
        for body in ({"locator": junk, "auth": junk}, {"locator": "12345670", "auth": junk}):
            content = json.dumps(body).encode()
            headers = {**irm.caller(), "Content-Type": "application/json"}
            answer = await irm.http.post("/v1/reports/session", content=content, headers=headers)
            assert answer.status_code in (400, 401, 422, 429), answer.text
        for body in ({"body": junk}, {"sealed_body": junk, "epoch": junk}, {"body": "متن", "attachments": junk}):
            headers = {**caller, "Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
            answer = await irm.http.post(
                "/v1/reports/mine/messages", content=json.dumps(body).encode(), headers=headers
            )
            assert answer.status_code in (201, 400, 409, 422), answer.text
            if answer.status_code != 201:
                assert CANARY not in answer.text
    assert (await irm.http.get("/v1/reports/mine", headers=caller)).status_code == 200


async def test_a_token_without_its_report_is_404(irm: Irm) -> None:
    headers = irm.caller(Principal("reporter", str(uuid4())))
    assert (await irm.http.get("/v1/reports/mine", headers=headers)).status_code == 404
