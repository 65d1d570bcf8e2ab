"""The font, and the office's keys, made once a session."""

from pathlib import Path

import pytest

from deploy.local.fonts import ensure_fonts
from services.letters.office_keys import make_office_keys


@pytest.fixture(scope="session", autouse=True)
def _font() -> None:
    ensure_fonts()


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the office's, the authority's and the time-stamping unit's files."""
    folder = tmp_path_factory.mktemp("keys")
    make_office_keys(folder)
    return folder
