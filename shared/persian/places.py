"""Iran's 31 provinces (ISO 3166-2:IR) and their counties (Statistical Centre's codes), from ``data/provinces.json``."""

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Province:
    """A province: ``code`` is ISO 3166-2 (``IR-23``), ``counties`` maps a county's code to its Persian name."""

    code: str
    name_fa: str
    name_en: str
    capital_fa: str
    population: int
    counties: dict[str, str]


def _load() -> dict[str, Province]:
    raw: dict[str, Any] = json.loads(
        resources.files("shared.persian").joinpath("data/provinces.json").read_text("utf-8")
    )
    return {
        entry["code"]: Province(
            code=entry["code"],
            name_fa=entry["fa"],
            name_en=entry["en"],
            capital_fa=entry["capital_fa"],
            population=entry["population_2016"],
            counties={county["code"]: county["fa"] for county in entry["counties"]},
        )
        for entry in raw["provinces"]
    }


PROVINCES: dict[str, Province] = _load()
"""All provinces by their code."""
