"""One running system for all end-to-end tests of a session, and a witness outside of it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.client import System
from deploy.local.files import write_private
from deploy.local.keys import make_keys
from deploy.local.testservers import TestServers
from tests.outside import Outside
from tests.systems import running_system


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the system's data lie."""
    return tmp_path_factory.mktemp("system")


@pytest.fixture(scope="session")
def outside(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """A third witness of the log, at work, which the system's policy knows: two of the three are enough."""
    make_keys(base / "keys")
    pinned = base / "keys" / "log-policy.json"
    witness = Outside(tmp_path_factory.mktemp("outside"), json.loads(pinned.read_text()))
    write_private(pinned, json.dumps(witness.policy).encode())
    witness.start()
    yield witness
    witness.kill()


@pytest.fixture(scope="session")
def system(servers: TestServers, base: Path, outside: Outside) -> Iterator[System]:
    """The whole system, ready. Everybody in these tests comes from one address, so its limits are lifted;
    and they run by night, too."""
    settings = {
        "SEDA_LOG_WITNESSES": outside.setting,
        "SEDA_OTP_PER_IP_MINUTE": "1000",
        "SEDA_LOGIN_PER_IP_MINUTE": "1000",
        "SEDA_LOGIN_PER_USER_MINUTE": "1000",
        "SEDA_SMS_QUIET_FROM": "0",
        "SEDA_SMS_QUIET_UNTIL": "0",
    }
    with running_system(base, servers, SEDA_TRACE_FILE=str(base / "trace.jsonl"), **settings) as system:
        yield system
