import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.integrity.verify import Verdict, judge, main
from tests.services.integrity.receipts import REPORT, SmallLog

LOG = SmallLog()
RECEIPT = LOG.full_receipt().document()


def _verdict(document: object) -> Verdict:
    return judge(document, LOG.policy(), REPORT).verdict


def test_a_receipt_of_every_leaf_of_every_small_log_is_proven() -> None:
    for size in range(1, 10):
        for index in range(size):
            log = SmallLog(size, index)
            assert judge(log.full_receipt().document(), log.policy(), REPORT).verdict is Verdict.PROVEN


def test_the_words() -> None:
    proven = judge(RECEIPT, LOG.policy(), REPORT)
    assert proven.english.splitlines() == [
        "PROVEN. This step stands in the log; nobody can remove or change it unnoticed.",
        "Step 1 (registered) of the report, entry 5 of 7 of the log, in the hour 2026-11-24T03:00:00Z.",
        "Witness: seda.test/gateway, at 2025-11-24T16:00:00Z.",
        "Witness: seda.test/letters, at 2025-11-24T16:00:00Z.",
        "The receipt is about this report number.",
    ]
    assert proven.persian.splitlines()[1] == "گام شمارهٔ ۱ گزارش، ردیف ۵ از ۷ ردیف دفتر، در ۳ آذر ۱۴۰۵ ساعت ۰۶."
    assert "--report" in judge(RECEIPT, LOG.policy()).english


def test_a_whole_answer_says_itself_which_report_it_is_about() -> None:
    answer = {"report_no": REPORT, "receipt": RECEIPT}
    assert "about this report number" in judge(answer, LOG.policy()).english
    assert judge({**answer, "report_no": "R-5"}, LOG.policy()).verdict is Verdict.REFUSED


def test_too_few_witnesses_or_no_proof_is_not_yet() -> None:
    one = judge(LOG.receipt(LOG.witnesses[0]).document(), LOG.policy())
    assert one.verdict is Verdict.NOT_YET
    assert "only 1 of the 2" in one.english
    assert "تنها ۱ شاهد از ۲" in one.persian
    assert _verdict({**RECEIPT, "proof": None, "checkpoint": None}) is Verdict.NOT_YET
    assert judge(LOG.receipt(LOG.witnesses[0]).document(), LOG.policy(quorum=1)).verdict is Verdict.PROVEN


def test_a_receipt_of_another_log_report_or_leaf_is_refused() -> None:
    other = SmallLog()
    assert judge(RECEIPT, other.policy()).verdict is Verdict.REFUSED
    assert judge(RECEIPT, LOG.policy(), "R-1405-000008").verdict is Verdict.REFUSED
    assert _verdict({**RECEIPT, "nonce": LOG.nonces[0].hex()}) is Verdict.REFUSED
    assert _verdict({**RECEIPT, "leaf": LOG.leaves[0].document()}) is Verdict.REFUSED
    assert _verdict({**RECEIPT, "checkpoint": str(LOG.note(LOG.witnesses[0]))}) is Verdict.REFUSED


@pytest.mark.parametrize("document", [None, 7, [], "receipt", {}, {"receipt": None}, {**RECEIPT, "leaf": []}])
def test_what_is_no_receipt_is_refused(document: object) -> None:
    assert _verdict(document) is Verdict.REFUSED


@pytest.mark.parametrize("key", list(RECEIPT))
def test_a_receipt_without_a_part_is_refused(key: str) -> None:
    assert _verdict({name: value for name, value in RECEIPT.items() if name != key}) is Verdict.REFUSED


@given(st.data())
def test_one_flipped_bit_anywhere_is_refused(draw: st.DataObject) -> None:
    raw = json.dumps(RECEIPT, ensure_ascii=False).encode()
    bit = draw.draw(st.integers(0, len(raw) * 8 - 1))
    flipped = raw[: bit // 8] + bytes([raw[bit // 8] ^ 1 << bit % 8]) + raw[bit // 8 + 1 :]
    try:
        document: Any = json.loads(flipped)
    except ValueError:
        return
    assert document == RECEIPT or _verdict(document) is Verdict.REFUSED


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    paths = {name: tmp_path / f"{name}.json" for name in ("receipt", "policy", "broken", "missing", "large")}
    paths["receipt"].write_text(json.dumps({"report_no": REPORT, "receipt": RECEIPT}), encoding="utf-8")
    paths["policy"].write_text(json.dumps(LOG.policy().document()), encoding="utf-8")
    paths["broken"].write_bytes(b"\xff{")
    paths["large"].write_bytes(b" " * (1 << 20) + b"{}")
    return paths


@pytest.mark.parametrize(
    ("receipt", "policy", "verdict", "word"),
    [
        ("receipt", "policy", Verdict.PROVEN, "PROVEN"),
        ("policy", "policy", Verdict.REFUSED, "REFUSED"),
        ("broken", "policy", Verdict.UNCHECKED, "broken.json"),
        ("missing", "policy", Verdict.UNCHECKED, "missing.json"),
        ("large", "policy", Verdict.UNCHECKED, "large.json"),
        ("receipt", "missing", Verdict.UNCHECKED, "--policy"),
        ("receipt", "broken", Verdict.UNCHECKED, "--policy"),
        ("receipt", "receipt", Verdict.UNCHECKED, "--policy"),
    ],
)
def test_the_command(files: dict[str, Path], receipt: str, policy: str, verdict: Verdict, word: str) -> None:
    said: list[str] = []
    arguments = [str(files[receipt]), "--policy", str(files[policy]), "--language", "en"]
    assert main(arguments, said.append) is verdict
    assert len(said) == 1
    assert word in said[0]


def test_the_policy_is_taken_from_the_folder_of_keys(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    files["policy"].rename(files["policy"].with_name("log-policy.json"))
    monkeypatch.setenv("SEDA_KEYS_DIR", str(files["policy"].parent))
    assert main([str(files["receipt"])], said.append) is Verdict.PROVEN
    assert said[0].startswith("درست است.")


def test_the_process_exits_with_the_verdict(files: dict[str, Path]) -> None:
    command = [sys.executable, "-m", "services.integrity.verify", str(files["receipt"]), "--policy"]
    good = subprocess.run([*command, str(files["policy"])], capture_output=True, check=False)
    assert (good.returncode, good.stderr) == (0, b"")
    assert good.stdout.decode().startswith("درست است.")
    assert subprocess.run([*command, str(files["missing"])], capture_output=True, check=False).returncode == 2
