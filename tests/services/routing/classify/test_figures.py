"""The command that scores, and how well the cold start does on texts that it never saw."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from deploy.local.packages import ROOT
from services.routing.classify.examples import cold_corpus
from services.routing.classify.figures import Known, figures
from services.routing.classify.opinion import Guess, Opinion
from shared.persian.text import spaceless

HELD_OUT = Path(__file__).parent


def score(file: Path, model_file: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.routing.classify", "--model", str(model_file), "score", str(file)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("name", "department", "top3"), [("heldout", 0.9, 0.95), ("heldout_fresh", 0.8, 0.9)])
def test_the_cold_start_on_held_out_texts(name: str, department: float, top3: float, model_file: Path) -> None:
    done = score(HELD_OUT / f"{name}.jsonl", model_file)
    assert done.returncode == 0, done.stderr
    found = orjson.loads(done.stdout[: done.stdout.index("\n}\n") + 2])
    assert found["top1_department"] >= department
    assert found["top3_category"] >= top3
    assert found["decided_alone"]["precision_department"] >= 0.95
    assert found["decided_alone"]["precision_category"] >= 0.95
    assert found["decided_alone"]["share"] >= 0.35
    assert found["corruption"]["recall"] >= 0.9
    assert found["corruption"]["innocent_flagged"] <= 0.1
    assert found["corruption"]["decided_alone"] == 0


def test_a_second_topic_is_kept_where_there_is_one_and_seldom_where_there_is_none(model_file: Path) -> None:
    done = score(HELD_OUT / "two_matters.jsonl", model_file)
    found = orjson.loads(done.stdout[: done.stdout.index("\n}\n") + 2])["second_topic"]
    assert found["count"] >= 60
    assert found["precision"] >= 0.85
    assert found["recall"] >= 0.6


def test_no_held_out_text_is_trained_on() -> None:
    files = [*HELD_OUT.glob("heldout*.jsonl"), HELD_OUT / "two_matters.jsonl"]
    held = {spaceless(orjson.loads(line)["text"]) for file in files for line in file.read_bytes().splitlines()}
    assert len(held) > 400
    assert not held & {spaceless(one.text) for one in cold_corpus().examples}


def test_every_category_has_many_texts() -> None:
    corpus = cold_corpus()
    counts = dict.fromkeys(corpus.departments, 0)
    for one in corpus.examples:
        counts[one.category] += 1
    assert min(counts.values()) >= 25


def test_a_file_that_is_none_is_said_so(tmp_path: Path, model_file: Path) -> None:
    assert score(tmp_path / "none.jsonl", model_file).returncode == 1
    (tmp_path / "bad.jsonl").write_text('{"text": "سلام"}\n\n{"category": "hq.access"}\n')
    done = score(tmp_path / "bad.jsonl", model_file)
    assert (done.returncode, "line 3" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("line", "category", "right"),
    [
        ({"text": "x", "category": "hq.access", "department": "hq"}, "hq.access", True),
        ({"text": "x", "category": "hq.access", "accept": ["hq.suggestion"]}, "hq.suggestion", True),
        ({"text": "x", "category": "hq.access", "accept": "hq.suggestion"}, "tvto.public-centres", False),
        ({"text": "x", "accept": {"departments": ["hq"], "categories": ["hq.access"]}}, "hq.access", True),
        ({"text": "x", "category": "hq.access", "accept": True}, "hq.access", True),
        ({"text": "x", "category": None, "department": "hq", "accept": None}, "hq.suggestion", True),
        ({"text": "x", "category": None, "out_of_remit": True}, "hq.out-of-scope", True),
        ({"text": "x", "category": None, "department": None, "integrity": True}, "integrity.forgery", True),
    ],
)
def test_lines_of_every_shape_are_understood(line: dict[str, Any], category: str, right: bool) -> None:
    known = Known.of(line)
    told = Opinion((Guess(category, category.split(".", maxsplit=1)[0], 0.9, ()),), True, 0.0, False, None, "v", "h")
    assert known.is_category(category) is right
    assert figures([known], lambda _: told)["top1_category"] == float(right)
