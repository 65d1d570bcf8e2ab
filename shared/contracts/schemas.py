"""The events' JSON Schemas as committed files: ``python -m shared.contracts.schemas`` writes them.

A change that an older consumer or producer could not live with is refused: within a version only optional fields are
added. What breaks goes into a new version of the type, published beside the old one until that is drained.
"""

import json
import sys
from pathlib import Path
from typing import Any

from shared.contracts.registry import EVENTS

FOLDER = Path(__file__).with_name("schemas")

Schema = dict[str, Any]


def schema_of(type: str) -> Schema:
    """The JSON Schema (2020-12) of an event type."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **EVENTS[type].model_json_schema()}


def committed() -> dict[str, Schema]:
    """The schemas as they stand in the repository, by event type."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def breaks(old: Schema, new: Schema) -> list[str]:
    """What of ``new`` an event or a consumer of ``old`` could not live with; empty when it is compatible."""
    return _breaks(old, new, old.get("$defs", {}), new.get("$defs", {}), "")


def _resolve(schema: Schema, defs: Schema) -> Schema:
    reference = schema.get("$ref")
    resolved: Schema = defs[reference.rpartition("/")[2]] if reference else schema
    return resolved


def _breaks(old: Schema, new: Schema, old_defs: Schema, new_defs: Schema, place: str) -> list[str]:
    old, new = _resolve(old, old_defs), _resolve(new, new_defs)
    found = [
        f"{place or '/'}: {key} changed"
        for key in ("type", "const", "format", "pattern", "enum")
        if key in old and old[key] != new.get(key) and not _widened(key, old[key], new.get(key))
    ]
    before, after = old.get("properties", {}), new.get("properties", {})
    found += [f"{place}/{name}: removed" for name in before if name not in after]
    required = set(new.get("required", ())) - set(old.get("required", ()))
    found += [f"{place}/{name}: became required" for name in sorted(required)]
    found += [
        f"{place}/{name}: no longer promised"
        for name in old.get("required", ())
        if name in after and name not in new.get("required", ())
    ]
    for name in before.keys() & after.keys():
        found += _breaks(before[name], after[name], old_defs, new_defs, f"{place}/{name}")
    for part in ("items", "additionalProperties"):
        if isinstance(old.get(part), dict) and isinstance(new.get(part), dict):
            found += _breaks(old[part], new[part], old_defs, new_defs, f"{place}/{part}")
    for number, (one, other) in enumerate(zip(old.get("anyOf", ()), new.get("anyOf", ()), strict=False)):
        found += _breaks(one, other, old_defs, new_defs, f"{place}/anyOf/{number}")
    if len(new.get("anyOf", ())) < len(old.get("anyOf", ())):
        found.append(f"{place}: an alternative was removed")
    return found


def _widened(key: str, old: Any, new: Any) -> bool:
    """An enumeration may grow: consumers pass over what they do not know."""
    return key == "enum" and isinstance(new, list) and set(old) <= set(new)


def main() -> None:
    """Writes the schemas; exits with 1, and writes nothing, if one of them breaks its committed form."""
    before = committed()
    current = {type: schema_of(type) for type in EVENTS}
    problems = [f"{type} {problem}" for type, old in before.items() for problem in breaks(old, current.get(type, {}))]
    if problems:
        sys.stderr.write("not compatible; make a new version of the event instead:\n" + "\n".join(problems) + "\n")
        raise SystemExit(1)
    FOLDER.mkdir(exist_ok=True)
    for type, schema in current.items():
        text = json.dumps(schema, ensure_ascii=False, indent=1, sort_keys=True)
        (FOLDER / f"{type}.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
