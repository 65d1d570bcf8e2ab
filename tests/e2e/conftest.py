"""One running system for all end-to-end tests of a session."""

from collections.abc import Iterator

import pytest

from deploy.local.client import System
from deploy.local.testservers import TestServers
from tests.systems import running_system


@pytest.fixture(scope="session")
def system(servers: TestServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole system, ready. Everybody in these tests comes from one address, so its limits are lifted;
    and they run by night, too."""
    base = tmp_path_factory.mktemp("system")
    settings = {
        "SEDA_OTP_PER_IP_MINUTE": "1000",
        "SEDA_LOGIN_PER_IP_MINUTE": "1000",
        "SEDA_LOGIN_PER_USER_MINUTE": "1000",
        "SEDA_SMS_QUIET_FROM": "0",
        "SEDA_SMS_QUIET_UNTIL": "0",
    }
    with running_system(base, servers, SEDA_TRACE_FILE=str(base / "trace.jsonl"), **settings) as system:
        yield system
