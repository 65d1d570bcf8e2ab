"""One running system for all chaos tests of a session, on servers of its own: the broker is killed, too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.client import System
from tests.systems import running_system


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where its data lie."""
    return tmp_path_factory.mktemp("chaos")


@pytest.fixture(scope="session")
def system(base: Path) -> Iterator[System]:
    """The whole system, ready."""
    with running_system(base) as system:
        yield system
