import ast
import sys
from pathlib import Path

import shared.persian

ALLOWED = {"persiantools", "phonenumbers"}


def imported(source: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name for name in names if not name.startswith("shared.persian.")}


def test_persian_needs_the_standard_library_and_two_packages() -> None:
    sources = [source for folder in shared.persian.__path__ for source in Path(folder).glob("**/*.py")]
    roots = {name.split(".")[0] for source in sources for name in imported(source)}
    assert roots - set(sys.stdlib_module_names) == ALLOWED
