"""The log's witness outside the ministry is down while reports are filed: nobody waits for it, nothing is lost."""

import json
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.local.client import Caller, System, corruption, wait_for
from services.integrity.log.policy import Policy
from services.integrity.log.receipt import Receipt
from services.integrity.verify import Verdict, main
from tests.holders import ensure_holders
from tests.outside import NAME, Outside

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def policy(system: System) -> Policy:
    """Two of three."""
    return Policy.parse(json.loads((system.base / "keys/log-policy.json").read_text()))


def _filed(system: System) -> dict[str, Any]:
    answer = system.http.post("/v1/reports", json=corruption(), headers={"Idempotency-Key": str(uuid4())})
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def _mine(reporter: Caller, policy: Policy) -> dict[str, Any] | None:
    """The reporter's report, once all three witnesses are in its receipt."""
    mine: dict[str, Any] = reporter.get("/v1/reports/mine")
    return mine if _witnesses(mine, policy) == {witness.name for witness in policy.witnesses} else None


def _witnesses(answer: dict[str, Any], policy: Policy) -> set[str]:
    return set(Receipt.parse(answer["receipt"]).verify(policy).witnesses)


def _verified(folder: Path, answer: dict[str, Any], policy: Policy) -> tuple[Verdict, str]:
    """What ``verify`` says by that policy, pinned in a file."""
    said: list[str] = []
    (folder / "receipt.json").write_text(json.dumps(answer))
    (folder / "policy.json").write_text(json.dumps(policy.document()))
    command = [str(folder / "receipt.json"), "--policy", str(folder / "policy.json"), "--language", "en"]
    return main(command, said.append), said[0]


def test_filing_does_not_wait_for_it_and_the_receipts_have_its_word_later(
    system: System, outside: Outside, policy: Policy, tmp_path: Path
) -> None:
    ensure_holders(system)
    all_three = Policy(policy.origin, policy.logs, policy.witnesses, 3)
    assert policy.quorum == 2
    assert [witness.name for witness in policy.witnesses][2:] == [NAME]

    outside.kill()
    filed = [_filed(system), _filed(system)]
    for answer in filed:
        assert NAME not in _witnesses(answer, policy)
        assert _verified(tmp_path, answer, policy)[0] is Verdict.PROVEN
        verdict, words = _verified(tmp_path, answer, all_three)
        assert verdict is Verdict.NOT_YET
        assert "only 2 of the 3" in words

    outside.start()
    for answer in filed:
        mine = wait_for(partial(_mine, system.reporter(answer["receipt_code"]), policy), "the word from outside")
        verdict, words = _verified(tmp_path, mine, all_three)
        assert verdict is Verdict.PROVEN
        assert f"Witness: {NAME}, at 20" in words

    metrics = httpx.get(f"{system.run['services']['integrity']}/metrics", trust_env=False).text
    assert f'seda_log_cosignatures_total{{outcome="given",witness="{NAME}"}}' in metrics
    assert "seda_log_disputing_witnesses 0.0" in metrics
