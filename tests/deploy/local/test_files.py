"""Files that only their owner may read."""

import stat
from pathlib import Path

from deploy.local.files import write_private


def test_only_the_owner_may_read_even_where_the_old_file_was_open_to_all(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("old")
    path.chmod(0o644)

    write_private(path, b"new")

    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["password"]
