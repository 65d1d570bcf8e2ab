"""Fixtures for all tests: the private servers, started only when a test first needs them, and what is fresh in them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from deploy.local.testservers import TestServers

# how long examples take says how busy the machine is, not whether the property holds
settings.register_profile("seda", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("seda")


@pytest.fixture(scope="session")
def servers() -> Iterator[TestServers]:
    """A running PostgreSQL and RabbitMQ, shared with the other processes of the session; the last one stops them."""
    servers = TestServers()
    yield servers
    servers.stop()


@pytest.fixture(scope="module")
def postgres_database(servers: TestServers) -> Iterator[str]:
    """The DSN of an empty database, for one test module."""
    dsn = servers.create_database()
    yield dsn
    servers.drop_database(dsn)


@pytest.fixture(scope="module")
def rabbitmq_vhost(servers: TestServers) -> Iterator[str]:
    """The AMQP URL of an empty virtual host with our policies, for one test module."""
    url = servers.create_vhost()
    yield url
    servers.delete_vhost(url)


ALONE = ("e2e", "chaos", "services/sms/operators", "deploy/smsc", "deploy/local/test_run.py")
"""Tests that run whole systems or race real time: a second one on the same two cores would only tell of the load."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks those tests, so that ``make test`` runs them one after the other and all others in parallel."""
    root = Path(__file__).parent
    for item in items:
        if item.path.relative_to(root).as_posix().startswith(ALONE):
            item.add_marker(pytest.mark.alone)
