"""Checks a receipt offline: ``python -m services.integrity.verify receipt.json [--policy policy.json]``.

Asks nobody: the receipt and a pinned policy (whose keys, how many witnesses) are all it reads. Exit code 0: proven;
1: not to be believed; 2: cannot be checked (no such file, no policy); 3: not yet (no proof, or too few witnesses).
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from pathlib import Path

from services.integrity.log.policy import Policy, Witnessed
from services.integrity.log.receipt import Receipt
from shared.kit.tlog.merkle import ProofInvalid
from shared.kit.tlog.notes import Malformed, SignatureInvalid
from shared.persian.calendar import TEHRAN, jalali_long
from shared.persian.digits import to_persian

_LARGEST_FILE = 1 << 20


class Verdict(IntEnum):
    """What is to be thought of a receipt; the value is the exit code."""

    PROVEN = 0
    REFUSED = 1
    UNCHECKED = 2
    NOT_YET = 3


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and why, in plain words, in Persian and in English."""

    verdict: Verdict
    persian: str
    english: str


class _Unreadable(Exception):
    """A file cannot be read as JSON."""


def judge(document: object, policy: Policy, report: str | None = None) -> Judgement:
    """Checks a receipt (or the whole answer to a filing, as parsed JSON) against a pinned policy.

    ``report``: the number of the report that the receipt is to be about, if it is not in the answer itself.
    """
    if isinstance(document, Mapping) and "receipt" in document:
        stated = document.get("report_no")
        report = report or (stated if isinstance(stated, str) else None)
        document = document["receipt"]
    if isinstance(document, Mapping) and document.get("proof", "") is None:
        return _NO_PROOF_YET
    try:
        receipt = Receipt.parse(document)
        witnessed = receipt.verify(policy)
        if report is not None:
            receipt.verify_case(report)
    except Malformed as reason:
        return _refused(
            "این فایل یک رسید درست نیست یا دست خورده است.", "This is not a receipt, or it was changed.", reason
        )
    except SignatureInvalid as reason:
        return _refused(
            "امضای سامانه یا شاهدان درست نیست؛ این رسید از این سامانه نیامده یا دست خورده است.",
            "A signature of the log or of a witness is not valid: the receipt is not from this system, or was changed.",
            reason,
        )
    except ProofInvalid as reason:
        return _refused(
            "این رسید نشان نمی‌دهد که گام شما در دفتر ثبت شده است.",
            "The receipt does not show that this step stands in the log.",
            reason,
        )
    return _accepted(receipt, witnessed, policy, report)


def _refused(persian: str, english: str, reason: Exception) -> Judgement:
    return Judgement(Verdict.REFUSED, f"رد شد. {persian}", f"REFUSED. {english} ({reason})")


_NO_PROOF_YET = Judgement(
    Verdict.NOT_YET,
    "هنوز نه. گزارش ثبت شده ولی برهان آن هنوز آماده نیست؛ رسید را کمی بعد دوباره بگیرید.",
    "NOT YET. The report is registered but its proof is not ready; fetch the receipt again a little later.",
)


def _accepted(receipt: Receipt, witnessed: Witnessed, policy: Policy, report: str | None) -> Judgement:
    have, need = len(witnessed.witnesses), policy.quorum
    if not policy.met_by(witnessed):
        return Judgement(
            Verdict.NOT_YET,
            to_persian(
                f"هنوز نه. گام شما در دفتر هست ولی تنها {have} شاهد از {need} شاهد لازم آن را گواهی کرده‌اند؛ "
                "رسید را کمی بعد دوباره بگیرید."
            ),
            f"NOT YET. The step stands in the log, but only {have} of the {need} witnesses needed have countersigned "
            "it; fetch the receipt again a little later.",
        )
    hour = datetime.fromisoformat(receipt.leaf.hour)
    place, size = receipt.proof.index + 1, witnessed.checkpoint.size
    persian = [
        "درست است. این گام در دفتر ثبت شده است و کسی نمی‌تواند آن را پنهانی پاک یا دگرگون کند.",
        to_persian(f"گام شمارهٔ {receipt.leaf.seq} گزارش، ردیف {place} از {size} ردیف دفتر، ")
        + f"در {_persian_time(hour, '%H')}.",
        *(f"شاهد: {name}، در {_persian_time(time, '%H:%M')}." for name, time in witnessed.witnesses.items()),
        _ABOUT_PERSIAN[report is not None],
    ]
    english = [
        "PROVEN. This step stands in the log; nobody can remove or change it unnoticed.",
        f"Step {receipt.leaf.seq} ({receipt.leaf.type}) of the report, entry {place} of {size} of the log, "
        f"in the hour {receipt.leaf.hour}.",
        *(f"Witness: {name}, at {time:%Y-%m-%dT%H:%M:%SZ}." for name, time in witnessed.witnesses.items()),
        _ABOUT_ENGLISH[report is not None],
    ]
    return Judgement(Verdict.PROVEN, "\n".join(persian), "\n".join(english))


_ABOUT_PERSIAN = {
    True: "رسید دربارهٔ همین شمارهٔ گزارش است.",
    False: "شمارهٔ گزارش سنجیده نشد؛ برای سنجیدن آن ‎--report‎ را بدهید.",
}
_ABOUT_ENGLISH = {
    True: "The receipt is about this report number.",
    False: "The report's number was not checked; give --report to have it checked.",
}


def _persian_time(moment: datetime, clock: str) -> str:
    local = moment.astimezone(TEHRAN)
    return f"{jalali_long(moment)} ساعت {to_persian(local.strftime(clock))}"


def _read(path: Path) -> object:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise _Unreadable
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        raise _Unreadable from None


def _check(receipt: Path, policy: Path, report: str | None) -> Judgement:
    try:
        pinned = Policy.parse(_read(policy))
    except (_Unreadable, Malformed):
        return Judgement(
            Verdict.UNCHECKED,
            f"سنجیده نشد. فهرست کلیدهای مورد اعتماد در {policy} خوانده نشد؛ آن را با ‎--policy‎ بدهید.",
            f"NOT CHECKED. No policy of keys and witnesses could be read from {policy}; give one with --policy.",
        )
    try:
        return judge(_read(receipt), pinned, report)
    except _Unreadable:
        return Judgement(
            Verdict.UNCHECKED,
            f"سنجیده نشد. فایل {receipt} خوانده نشد یا JSON نیست.",
            f"NOT CHECKED. {receipt} cannot be read or is not JSON.",
        )


def main(arguments: Sequence[str], say: Callable[[str], object]) -> Verdict:
    """The command: says the verdict and gives it back. Reads the two files and nothing else."""
    pinned = Path(os.environ.get("SEDA_KEYS_DIR", ".local/keys")) / "log-policy.json"
    parser = argparse.ArgumentParser(
        prog="python -m services.integrity.verify", description="Checks a receipt offline."
    )
    parser.add_argument("receipt", type=Path, help="the receipt, or the whole answer to the filing (JSON)")
    parser.add_argument("--policy", type=Path, default=pinned, help=f"the keys to trust (default: {pinned})")
    parser.add_argument("--report", help="the report's number, to check that the receipt is about it")
    parser.add_argument("--language", choices=("fa", "en"), default="fa")
    options = parser.parse_args(arguments)
    judgement = _check(options.receipt, options.policy, options.report)
    say(judgement.persian if options.language == "fa" else judgement.english)
    return judgement.verdict


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], lambda text: sys.stdout.write(f"{text}\n")))
