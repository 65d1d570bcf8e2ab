"""The detector on a CSV: ``unit,period,count`` in, ``unit,period,observed,expected,upper,p,alarm`` out.

Periods are 1, 2, 3 …; one that a unit does not name counts as 0. Every period with enough history is told, ``upper``
empty where too few cases came for an alarm (``farrington``), ``alarm`` 0 or 1.
"""

import argparse
import csv
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from services.routing.review.excess.methods import (
    FARRINGTON_ALPHA,
    HARMONIC_ALPHA,
    MIN_COUNT,
    ROLLING_ALPHA,
    Verdict,
    farrington,
    harmonic,
    rolling,
)


def read_counts(lines: Iterable[str]) -> dict[str, list[int]]:
    """Each unit's counts from period 1 on, in the units' order. Raises ValueError for what is no such CSV."""
    reader = csv.DictReader(lines)
    if reader.fieldnames is None or not {"unit", "period", "count"} <= set(reader.fieldnames):
        raise ValueError("the columns are unit,period,count")
    units: dict[str, dict[int, int]] = {}
    for row in reader:
        period, count = int(row["period"]), int(row["count"])
        if period < 1 or count < 0:
            raise ValueError("periods count from 1, and counts are not negative")
        if units.setdefault(row["unit"], {}).setdefault(period, count) != count:
            raise ValueError(f"period {period} stands there twice")
    return {unit: [counts.get(period, 0) for period in range(1, max(counts) + 1)] for unit, counts in units.items()}


def verdicts(counts: Sequence[int], arguments: argparse.Namespace) -> list[Verdict]:
    """What the method chosen says of every period with enough history."""
    alpha, shared = arguments.alpha, {"periods": arguments.periods, "min_count": arguments.min_count}
    if arguments.method == "rolling":
        return rolling(counts, skip_recent=arguments.skip_recent or 0, alpha=alpha or ROLLING_ALPHA, **shared)
    if arguments.method == "harmonic":
        found = [
            harmonic(
                counts,
                period,
                years=arguments.years,
                skip_recent=arguments.skip_recent or 0,
                alpha=alpha or HARMONIC_ALPHA,
                **shared,
            )
            for period in range(1, len(counts) + 1)
        ]
    else:
        found = [
            farrington(
                counts,
                period,
                years=arguments.years,
                window=arguments.window,
                skip_recent=arguments.skip_recent,
                alpha=alpha or FARRINGTON_ALPHA,
                **shared,
            )
            for period in range(1, len(counts) + 1)
        ]
    return [verdict for verdict in found if verdict is not None]


def main(words: Sequence[str] | None = None) -> int:
    """The command line; 2 for a file that cannot be read."""
    arguments = _parser().parse_args(words)
    try:
        with arguments.file.open(encoding="utf-8-sig", newline="") as lines:
            units = read_counts(lines)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{arguments.file}: {error}\n")
        return 2
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["unit", "period", "observed", "expected", "upper", "p", "alarm"])
    for unit, counts in units.items():
        for v in verdicts(counts, arguments):
            upper = "" if v.upper is None else v.upper
            writer.writerow([unit, v.period, v.observed, repr(v.expected), upper, repr(v.p), int(v.alarm)])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.routing.review.excess", description=__doc__)
    parser.add_argument("file", type=Path, help="counts.csv")
    parser.add_argument("--method", choices=("farrington", "harmonic", "rolling"), default="harmonic")
    parser.add_argument("--years", type=_from(1), default=5, metavar="b", help="years to go back (5)")
    parser.add_argument("--window", type=_from(0), default=3, metavar="w", help="farrington: half a window (3)")
    parser.add_argument("--periods", type=int, choices=(12, 52), default=12, help="periods of a year (12)")
    parser.add_argument(
        "--skip-recent", type=_from(0), metavar="k", help="periods before the present one left out (farrington: w)"
    )
    parser.add_argument("--alpha", type=_share, metavar="a", help="farrington .05, harmonic .01, rolling .025")
    parser.add_argument(
        "--min-count",
        type=_from(0),
        default=MIN_COUNT,
        metavar="n",
        help="no alarm below so many cases; farrington: in the last four periods together (5)",
    )
    return parser


def _from(least: int) -> Callable[[str], int]:
    def number(word: str) -> int:
        value = int(word)
        if value < least:
            raise argparse.ArgumentTypeError(f"at least {least}")
        return value

    return number


def _share(word: str) -> float:
    value = float(word)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError("between 0 and 1")
    return value


if __name__ == "__main__":
    raise SystemExit(main())
