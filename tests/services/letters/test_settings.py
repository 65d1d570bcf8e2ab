import pytest
from pydantic import ValidationError

from services.letters.settings import LettersSettings

DEVELOPMENT = {"SEDA_ENVIRONMENT": "development"}
PRODUCTION = {"SEDA_ENVIRONMENT": "production"}
WITH_AUTHORITY = {**PRODUCTION, "SEDA_TSA_URL": "https://tsa.example.ir/"}


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SEDA_ENVIRONMENT", "SEDA_TSA_URL", "SEDA_LETTERS_PHONE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "environment",
    [
        DEVELOPMENT,
        WITH_AUTHORITY,
        {**DEVELOPMENT, "SEDA_WINDOW_LEFT_MM": "105", "SEDA_WINDOW_WIDTH_MM": "85"},
        {**DEVELOPMENT, "SEDA_LETTERS_PHONE": "021-1234 0000"},
    ],
)
def test_settings_that_do(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert LettersSettings().letters_office == "110"


@pytest.mark.parametrize(
    "environment",
    [
        PRODUCTION,  # our own stamps prove no time
        {**DEVELOPMENT, "SEDA_WINDOW_LEFT_MM": "130"},  # over the right edge
        {**DEVELOPMENT, "SEDA_WINDOW_TOP_MM": "30"},  # over the heading
        {**DEVELOPMENT, "SEDA_WINDOW_TOP_MM": "120"},  # no room for the letter
        {**DEVELOPMENT, "SEDA_LETTERS_OFFICE": "۱۱۰"},
        {**DEVELOPMENT, "SEDA_LETTERS_PHONE": "call us"},
    ],
)
def test_settings_that_do_not(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        LettersSettings()
