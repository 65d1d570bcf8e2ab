import asyncio
import time

import pyotp
import pytest

from gateway.identity.passwords import Passwords
from shared.kit.sealing import KeyRing, seal
from shared.kit.web.problems import Problem
from tests.gateway.conftest import STAFF, Gateway, Start


@pytest.fixture
async def totp(gateway: Gateway) -> pyotp.TOTP:
    """A second factor enrolled for the member of staff, never used so far."""
    totp = pyotp.TOTP(pyotp.random_base32())
    ring = KeyRing.load(gateway.settings.keys_dir / "identity.json")
    await gateway.execute(
        "UPDATE staff SET totp_sealed = :sealed, totp_last_step = 0 WHERE username = :username",
        sealed=seal(ring, totp.secret.encode(), b"totp:" + str(STAFF["username"]).encode()),
        username=STAFF["username"],
    )
    return totp


@pytest.fixture
async def without_totp(gateway: Gateway) -> None:
    await gateway.execute("UPDATE staff SET totp_sealed = NULL, disabled = false")


@pytest.mark.usefixtures("without_totp")
async def test_staff_log_in_by_password_and_are_known_by_it(gateway: Gateway) -> None:
    answer = await gateway.staff()
    assert answer.status_code == 200
    me = await gateway.me(answer.json()["access_token"])
    assert me.json() == {
        "subject": STAFF["username"],
        "kind": "staff",
        "name": STAFF["name"],
        "roles": ["officer"],
        "scopes": [],
        "department_id": "behzisti",
        "province": "IR-23",
    }


@pytest.mark.usefixtures("without_totp")
async def test_wrong_name_wrong_password_and_disabled_are_told_alike(gateway: Gateway) -> None:
    await gateway.execute("UPDATE staff SET disabled = true")
    disabled = await gateway.staff()
    await gateway.execute("UPDATE staff SET disabled = false")
    answers = [disabled, await gateway.staff(password="wrong"), await gateway.staff(username="nobody")]
    assert [answer.status_code for answer in answers] == [401] * 3
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("username", ["", "a" * 65, "a\u0000b", "officer.behzisti' OR 1=1 --"])
async def test_odd_names_are_answers_not_failures(gateway: Gateway, username: str) -> None:
    assert (await gateway.staff(username=username)).status_code in (401, 422)


async def test_the_second_factor_is_asked_for_and_each_code_works_once(gateway: Gateway, totp: pyotp.TOTP) -> None:
    missing = await gateway.staff()
    assert (missing.status_code, missing.json()["type"]) == (401, "urn:seda:problem:totp-required")
    assert (await gateway.staff(totp="کد")).status_code == 401
    code = totp.now()
    assert (await gateway.staff(password="wrong", totp=code)).status_code == 401
    assert (await gateway.staff(totp=code)).status_code == 200
    assert (await gateway.staff(totp=code)).status_code == 401, "a code seen over the shoulder is worth nothing"
    assert (await gateway.staff(totp=totp.at(int(time.time()) - 30))).status_code == 401, "an older one neither"
    assert (await gateway.staff(totp=totp.at(int(time.time()) + 90))).status_code == 401


async def test_of_the_same_code_at_the_same_time_one_logs_in(gateway: Gateway, totp: pyotp.TOTP) -> None:
    code = totp.now()
    answers = await asyncio.gather(*(gateway.staff(totp=code) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401]


@pytest.mark.usefixtures("without_totp")
async def test_who_is_disabled_is_out_within_seconds_and_cannot_refresh(gateway: Gateway) -> None:
    tokens = (await gateway.staff()).json()
    await gateway.execute("UPDATE staff SET disabled = true WHERE username = :name", name=STAFF["username"])
    assert await gateway.refuses_soon(tokens["access_token"])
    refreshed = await gateway.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert (refreshed.status_code, refreshed.json()) == (400, {"error": "invalid_grant"})


async def test_guessing_is_limited_per_name_and_per_address(start: Start) -> None:
    async with start(login_per_user_minute=2) as gateway:
        statuses = [(await gateway.staff(username="guessed")).status_code for _ in range(3)]
        assert statuses == [401, 401, 429]
        assert (await gateway.staff(username="another")).status_code == 401
    async with start(login_per_ip_minute=2) as gateway:
        answers = [await gateway.staff(username=f"guessed{n}") for n in range(3)]
        assert [answer.status_code for answer in answers] == [401, 401, 429]
        assert int(answers[-1].headers["retry-after"]) > 0


async def test_hashing_leaves_the_loop_free_and_lets_only_so_many_wait() -> None:
    passwords = Passwords(1)
    hash = passwords.hash("right")
    assert hash.startswith("$argon2id$")
    tasks = [asyncio.create_task(passwords.matches("right", hash if n % 2 else None)) for n in range(65)]
    begun = time.monotonic()
    await asyncio.sleep(0)
    assert time.monotonic() - begun < 0.5, "64 hashes on the loop would take seconds"
    with pytest.raises(Problem) as refused:
        await tasks[64]
    assert refused.value.status_code == 503
    assert [await task for task in tasks[:4]] == [False, True, False, True]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
