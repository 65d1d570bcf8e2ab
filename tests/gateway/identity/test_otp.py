import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from shared.kit.auth import Verifier
from shared.kit.sealing import BlindIndex, KeyRing, open_sealed
from tests.gateway.conftest import Gateway, Start, is_uuid


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def test_a_code_logs_in_once(gateway: Gateway) -> None:
    asked = await gateway.ask("۰۹۱۲ ۳۴۵ ۶۷۸۹")
    assert asked.status_code == 202
    challenge = asked.json()
    assert set(challenge) == {"challenge_id", "expires_at", "resend_after"}
    assert is_uuid(challenge["challenge_id"])
    left = datetime.fromisoformat(challenge["expires_at"]) - datetime.now(UTC)
    assert 290 < left.total_seconds() <= 300
    sent = await gateway.sent(challenge["challenge_id"])
    assert sent["mobile"] == "+989123456789"
    assert len(sent["code"]) == 6
    assert sent["code"].isascii()
    assert sent["code"].isdigit()
    path = f"/v1/auth/otp/{challenge['challenge_id']}"
    persian = sent["code"].translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
    answer = await gateway.http.post(path, json={"code": persian})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 600)
    assert tokens["refresh_token"]
    again = await gateway.http.post(path, json={"code": sent["code"]})
    assert (again.status_code, again.json()["type"]) == (410, "urn:seda:problem:gone")


async def test_the_token_names_the_citizen_by_keyed_hash_and_carries_the_number_sealed(gateway: Gateway) -> None:
    tokens = await gateway.citizen("09121112222")
    me = (await gateway.me(tokens["access_token"])).json()
    citizen = str(BlindIndex(KeyRing.load(gateway.settings.keys_dir / "blind.json")).citizen_id("+989121112222"))
    assert (me["subject"], me["kind"], me["roles"]) == (citizen, "citizen", [])
    assert "9121112222" not in tokens["access_token"]
    await gateway.http.get("/v1/cases", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    token = dict(gateway.upstream.asked[-1]["headers"])["authorization"].removeprefix("Bearer ")
    verifier = Verifier.load(gateway.settings.keys_dir / "gateway-internal.pub.jwk", "intake")
    principal = verifier.principal(token)
    assert principal.subject == citizen
    ring = KeyRing.load(gateway.settings.keys_dir / "identity.json")
    assert principal.mob is not None
    assert open_sealed(ring, principal.mob, b"mobile:" + citizen.encode()) == b"+989121112222"


async def test_five_wrong_codes_and_it_is_gone_even_for_the_right_one(gateway: Gateway) -> None:
    challenge = (await gateway.ask("09121113333")).json()["challenge_id"]
    code = (await gateway.sent(challenge))["code"]
    for _ in range(5):
        wrong = await gateway.http.post(f"/v1/auth/otp/{challenge}", json={"code": other_than(code)})
        assert wrong.status_code == 401
        assert wrong.headers["www-authenticate"].startswith("Bearer")
    assert (await gateway.http.post(f"/v1/auth/otp/{challenge}", json={"code": code})).status_code == 410


async def test_tries_at_the_same_time_are_all_counted_and_one_code_logs_in_once(gateway: Gateway) -> None:
    challenge = (await gateway.ask("09121114444")).json()["challenge_id"]
    code = (await gateway.sent(challenge))["code"]
    wrong = [gateway.http.post(f"/v1/auth/otp/{challenge}", json={"code": other_than(code)}) for _ in range(12)]
    statuses = [answer.status_code for answer in await asyncio.gather(*wrong)]
    assert sorted(statuses) == [401] * 5 + [410] * 7
    challenge = (await gateway.ask("09121114444")).json()["challenge_id"]
    code = (await gateway.sent(challenge))["code"]
    right = [gateway.http.post(f"/v1/auth/otp/{challenge}", json={"code": code}) for _ in range(4)]
    statuses = [answer.status_code for answer in await asyncio.gather(*right)]
    assert sorted(statuses) == [200, 410, 410, 410]


async def test_an_expired_or_unknown_challenge_is_gone(gateway: Gateway) -> None:
    challenge = (await gateway.ask("09121115555")).json()["challenge_id"]
    code = (await gateway.sent(challenge))["code"]
    await gateway.execute("UPDATE otp_challenges SET expires_at = clock_timestamp() WHERE id = :id", id=challenge)
    for path in (challenge, str(uuid4()), "not-an-id"):
        assert (await gateway.http.post(f"/v1/auth/otp/{path}", json={"code": code})).status_code == 410


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"mobile": "02112345678"}, 422),
        ({"mobile": "+14155550123"}, 422),
        ({"mobile": 9123456789}, 422),
        ({"mobile": "09123456789", "extra": 1}, 422),
        ({"mobile": "0912\u0000"}, 422),
        ([], 422),
    ],
)
async def test_what_is_no_mobile_is_refused_without_an_echo(gateway: Gateway, body: object, status: int) -> None:
    answer = await gateway.http.post("/v1/auth/otp", json=body)
    assert answer.status_code == status
    assert "2112345678" not in answer.text
    assert "4155550123" not in answer.text


async def test_the_code_is_kept_as_a_keyed_hash_and_the_number_sealed(gateway: Gateway) -> None:
    challenge = (await gateway.ask("09121116666")).json()["challenge_id"]
    code = (await gateway.sent(challenge))["code"]
    rows = await gateway.column("SELECT (c.*)::text FROM otp_challenges c")
    events = await gateway.column("SELECT encode(body, 'escape') FROM outbox")
    assert len(rows) == len(set(rows))
    for kept in rows + events:
        assert "9121116666" not in kept
        assert f'"{code}"' not in kept


async def test_an_expired_token_sent_along_is_no_hindrance_to_logging_in(gateway: Gateway) -> None:
    assert (await gateway.ask("09121117777", headers={"Authorization": "Bearer expired"})).status_code == 202


async def test_limits_per_number_survive_a_restart_and_say_when_to_come_back(start: Start) -> None:
    mobile = "09121118888"
    async with start(otp_per_number_hour=2) as gateway:
        assert [(await gateway.ask(mobile)).status_code for _ in range(2)] == [202, 202]
    async with start(otp_per_number_hour=2) as gateway:
        refused = await gateway.ask(mobile)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
        assert (await gateway.ask("09121119999")).status_code == 202


async def test_at_the_same_time_a_number_gets_no_more_codes_than_its_limit(start: Start) -> None:
    async with start(otp_per_number_hour=3) as gateway:
        answers = await asyncio.gather(*(gateway.ask("09131110000") for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [202] * 3 + [429] * 5


@pytest.mark.parametrize("limit", ["otp_per_ip_minute", "otp_per_minute"])
async def test_limits_per_address_and_in_total(start: Start, limit: str) -> None:
    async with start(**{limit: 2}) as gateway:
        answers = [await gateway.ask(f"0913222000{n}", headers={"X-Forwarded-For": f"10.0.0.{n}"}) for n in range(3)]
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        assert answers[-1].headers["ratelimit"].endswith(f"r=0;t={answers[-1].headers['retry-after']}")
        assert "w=60" in answers[-1].headers["ratelimit-policy"]


async def test_people_who_share_an_address_log_in_however_many_staff_do(start: Start) -> None:
    async with start(otp_per_ip_minute=30, login_per_ip_minute=1) as gateway:
        for n in range(30):
            assert (await gateway.citizen(f"0914333{n:04d}"))["access_token"]
        assert [(await gateway.staff(username=f"nobody{n}")).status_code for n in range(2)] == [401, 429]


async def test_codes_are_not_guessed_without_end_from_an_address(start: Start) -> None:
    async with start(otp_per_ip_minute=1) as gateway:
        guesses = [await gateway.http.post(f"/v1/auth/otp/{uuid4()}", json={"code": "000000"}) for _ in range(6)]
        assert [answer.status_code for answer in guesses] == [410] * 5 + [429]
