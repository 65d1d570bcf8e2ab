from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.kit.sealing import KeyRing, SealError
from shared.kit.settings import ServiceSettings


def test_each_service_has_its_own_role_and_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEDA_POSTGRES_URL", "postgresql://root:rootpw@[::1]:5440/postgres?ssl=require")
    monkeypatch.setenv("SEDA_POSTGRES_PASSWORD", "p@ss/wörd")
    settings = ServiceSettings()
    dsn = settings.postgres_dsn("intake")
    assert dsn == "postgresql://seda_intake:p%40ss%2Fw%C3%B6rd@[::1]:5440/seda_intake?ssl=require"
    assert "rootpw" not in dsn
    shown = f"{settings!r} {settings} {settings.model_dump_json()}"
    assert "wörd" not in shown
    assert "rootpw" not in shown


def test_a_wrong_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEDA_POSTGRES_URL", "mysql://root:sesame@db")
    monkeypatch.setenv("SEDA_PORT", "sesame")
    with pytest.raises(ValidationError) as raised:
        ServiceSettings()
    assert "postgres_url" in str(raised.value)
    assert "port" in str(raised.value)
    assert "sesame" not in str(raised.value)


@pytest.mark.parametrize("name", ["", "Intake", "in-take", "intake;drop"])
def test_a_service_name_is_plain(name: str) -> None:
    with pytest.raises(ValueError, match="lower-case"):
        ServiceSettings().postgres_dsn(name)


def test_rings_are_read_from_the_keys_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEDA_KEYS_DIR", str(tmp_path))
    KeyRing.generate().save(tmp_path / "contact.json")
    assert ServiceSettings().ring("contact").current == "k1"
    with pytest.raises(SealError):
        ServiceSettings().ring("text")
