"""``python -m services.routing.classify score FILE.jsonl | explain TEXT | train | refit``.

``score`` judges a file of texts whose category is known, a JSON object a line: ``{"text", "category", "department",
"integrity", "out_of_remit", "accept", "second"}``. ``explain`` says what the model makes of a text. ``train`` makes the
cold start's model where it is missing. ``refit`` does now what the worker does at night. ``--model FILE``: that one.
"""

import argparse
import asyncio
import os
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import orjson  # noqa: E402 (numpy reads the variables above when it is first imported)

from services.routing.classify.figures import Known, figures  # noqa: E402
from services.routing.classify.model import Model, ModelError  # noqa: E402
from services.routing.classify.refit import refit  # noqa: E402
from services.routing.classify.store import Models, train_cold  # noqa: E402
from services.routing.settings import RoutingSettings  # noqa: E402
from shared.kit.db import Database  # noqa: E402


def main() -> None:
    """The command line; SystemExit with a reason for a file that cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m services.routing.classify", description=__doc__)
    parser.add_argument("--model", type=Path)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("score").add_argument("file", type=Path)
    commands.add_parser("explain").add_argument("text")
    commands.add_parser("train")
    commands.add_parser("refit")
    given = parser.parse_args()
    if given.command == "refit":
        _show(asyncio.run(_refit()))
        return
    model = _model(given.model)
    if given.command == "train":
        _show({**_identity(model), **model.figures})
    elif given.command == "explain":
        _show({**asdict(model.opinion(given.text)), "threshold": model.corruption_threshold})
    else:
        _score(model, given.file)


def _model(path: Path | None) -> Model:
    try:
        return Model.load((path or train_cold(RoutingSettings().routing_dir)).read_bytes())
    except (OSError, ModelError) as error:
        raise SystemExit(f"the model cannot be read: {error}") from None


def _identity(model: Model) -> dict[str, Any]:
    return {"version": model.version, "sha256": model.sha256, "fingerprint": model.fingerprint}


def _score(model: Model, path: Path) -> None:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise SystemExit(f"{path}: {error.strerror}") from None
    known = [_known(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    began = time.perf_counter()
    found = figures(known, model.opinion)
    found["ms_per_text"] = round(1000 * (time.perf_counter() - began) / max(1, len(known)), 2)
    _show({**_identity(model), **found})
    for name, value in _flat(found):
        sys.stdout.write(f"{name:38} {'-' if value is None else value}\n")


def _known(path: Path, number: int, line: bytes) -> Known:
    try:
        return Known.of(orjson.loads(line))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SystemExit(f"{path}: line {number} is no text with its category") from None


def _flat(found: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    lines: list[tuple[str, Any]] = []
    for name, value in found.items():
        lines += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [(prefix + name, value)]
    return lines


async def _refit() -> dict[str, Any]:
    settings = RoutingSettings()
    database = Database.connect(settings.postgres_dsn("routing"), pool_size=2)
    try:
        models = Models(settings.routing_dir)
        await models.ensure_cold()
        return vars(await refit(database, models, datetime.now(UTC)))
    finally:
        await database.close()


def _show(found: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")


if __name__ == "__main__":
    main()
