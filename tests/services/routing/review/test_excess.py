"""The detector against the reference implementation's figures, and on years with planted excesses."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.review.excess.__main__ import main
from services.routing.review.excess.bound import p_value, upper_bound
from services.routing.review.excess.discovery import discoveries, judge
from services.routing.review.excess.fit import outbreak_weights
from services.routing.review.excess.methods import farrington, harmonic, rolling
from tests.load.excess import planted_years

FIXTURES = Path(__file__).with_name("fixtures")
OPTIONS = {
    "monthly": [],
    "short": ["--years", "2", "--window", "2", "--skip-recent", "0", "--alpha", "0.01"],
    "rare": ["--years", "4", "--window", "2", "--skip-recent", "1", "--alpha", "0.025"],
    "weekly": ["--periods", "52", "--skip-recent", "26", "--alpha", "0.01"],
}


def run(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, str]]:
    assert main([*words]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_the_weights_and_bounds_are_those_of_the_papers() -> None:
    assert outbreak_weights(np.array([0.0] * 5 + [2.0] * 5), threshold=0).tolist() == [1.6] * 5 + [0.4] * 5
    assert upper_bound(5, 1.5, 0.05) == 10
    assert p_value(11, 5, 1.5) == pytest.approx(0.03763657, abs=5e-9)
    assert upper_bound(5, 1.0, 0.05) == 9
    assert p_value(11, 5, 1.0) == pytest.approx(0.01369527, abs=5e-9)


@pytest.mark.parametrize("name", OPTIONS)
def test_farrington_equals_the_reference(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    ours = run(capsys, str(FIXTURES / f"{name}.counts.csv"), "--method", "farrington", *OPTIONS[name])
    theirs = list(csv.DictReader((FIXTURES / f"{name}.reference.csv").read_text().splitlines()))
    assert [(o["unit"], o["period"], o["observed"]) for o in ours] == [
        (t["unit"], t["period"], t["observed"]) for t in theirs
    ]
    for o, t in zip(ours, theirs, strict=True):
        assert float(o["expected"]) == pytest.approx(float(t["mu0"]), rel=1e-9, abs=1e-9)
        assert float(o["p"]) == pytest.approx(float(t["p"]), rel=1e-8)
        assert (o["upper"], o["alarm"]) == (t["upper"], t["alarm"])


def test_the_reference_holds_alarms_and_trends() -> None:
    rows = [row for path in FIXTURES.glob("*.reference.csv") for row in csv.DictReader(path.read_text().splitlines())]
    assert sum(row["alarm"] == "1" for row in rows) >= 40
    assert any(row["upper"] == "" for row in rows)


def test_planted_excesses_are_found_and_little_else() -> None:
    figures = planted_years(units=150, seed=1405)
    assert figures.found >= 0.88
    assert figures.false_alarms <= 0.025


def test_the_harmonic_knows_the_season_and_forgives_past_outbreaks() -> None:
    times = np.arange(1, 62)
    wave = np.rint(60 * np.exp(0.6 * np.cos(2 * np.pi * times / 12) + 0.006 * times)).astype(int)
    wave[29] = 400
    high_season = wave.tolist()
    verdict = harmonic(high_season, 60)
    assert verdict is not None
    assert verdict.expected == pytest.approx(60 * np.exp(0.6 + 0.36), rel=0.05)
    assert not verdict.alarm
    low_season = [*wave[:53].tolist(), 130]
    found = harmonic(low_season, 54)
    assert found is not None
    assert found.alarm
    assert found.score is not None
    assert found.score > 1


def test_how_long_a_history_must_be() -> None:
    steady = [20] * 60
    assert judge(steady[:12]) is None
    assert judge(steady[:13]) == rolling(steady[:13])[-1]
    assert judge(steady[:36]) == rolling(steady[:36])[-1]
    assert judge(steady[:37]) == harmonic(steady[:37], 37)
    assert farrington(steady, 60, years=5) is None
    assert farrington(steady, 59, years=4, window=3) is not None


def test_less_than_five_cases_are_no_excess() -> None:
    assert not rolling([0] * 12 + [4])[-1].alarm
    assert rolling([0] * 12 + [5])[-1].alarm
    for count, alarm in ((4, False), (5, True)):
        verdict = harmonic([0] * 48 + [count], 49)
        assert verdict is not None
        assert verdict.alarm is alarm


@given(st.lists(st.integers(0, 2000), min_size=13, max_size=75))
def test_no_history_breaks_the_detector(counts: list[int]) -> None:
    verdict = judge(counts)
    if verdict is not None:
        assert 0 <= verdict.p <= 1
        assert verdict.upper is not None
        assert verdict.alarm == (verdict.observed > verdict.upper and verdict.observed >= 5)
    again = farrington(counts, len(counts), years=1, window=2, skip_recent=0)
    assert again is None or 0 <= again.p <= 1


@given(st.lists(st.floats(0, 1), max_size=40))
def test_discoveries_are_the_smallest_p_values_and_their_share_is_kept(values: list[float]) -> None:
    found = discoveries(values, 0.1)
    chosen = [p for p, is_found in zip(values, found, strict=True) if is_found]
    rest = [p for p, is_found in zip(values, found, strict=True) if not is_found]
    assert not chosen or not rest or max(chosen) <= min(rest)
    assert all(p <= len(chosen) / len(values) * 0.1 for p in chosen)


def test_what_cannot_be_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for content in ("a,b\n1,2\n", "unit,period,count\nx,0,1\n", "unit,period,count\nx,1,1\nx,1,2\n"):
        path = tmp_path / "counts.csv"
        path.write_text(content)
        assert main([str(path)]) == 2
    assert "counts.csv" in capsys.readouterr().err


@pytest.mark.parametrize(("method", "first"), [("rolling", 13), ("harmonic", 37)])
def test_the_command_tells_every_period_with_enough_history(
    method: str, first: int, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("unit,period,count\n" + "".join(f"a,{n},{20 + n % 3}\n" for n in range(1, 49)) + "a,49,90\n")
    rows: list[dict[str, Any]] = [*run(capsys, str(path), "--method", method)]
    assert [int(row["period"]) for row in rows] == list(range(first, 50))
    assert [row["period"] for row in rows if row["alarm"] == "1"] == ["49"]
