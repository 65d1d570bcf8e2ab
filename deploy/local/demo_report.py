"""The second part of ``make demo``: a corruption report, from a reporter without a name to the outcome in their box."""

import json
from typing import Any

from deploy.local.client import System
from services.integrity.inspect import shown
from services.integrity.log.policy import Policy
from services.integrity.verify import judge


def say(text: str = "") -> None:
    """A line of the story."""
    print(text, flush=True)


def play_report(system: System) -> None:
    """The story of one report."""
    say("\n── Somebody files a corruption report: no login, no name, no number")
    filed = system.report()
    say(f"   report {filed['report_no']}; the receipt code, shown once: {filed['receipt_code']}")
    (system.base / "demo-receipt.json").write_text(json.dumps(filed["receipt"], indent=2))
    policy = Policy.parse(json.loads((system.base / "keys" / "log-policy.json").read_text()))
    say(f"   its receipt stands in the transparency log, checked offline: {judge(filed, policy).verdict.name}\n")

    supervisor = system.office("supervisor")
    item = next(item for item in supervisor.reports() if item["report_no"] == filed["report_no"])
    say(f"── assigned at filing to {item['inspector']}, who opens it with a key that is on their device alone")
    inspector = system.office(item["inspector"])
    opened = inspector.read(item["id"])
    _quote(shown.report(opened))
    say("\n── the inspector at work")
    opened = inspector.step(opened, type="acknowledge")
    opened = inspector.step(opened, type="triage", priority="high", admissible=True, note="پذیرفتنی و فوری است.")
    opened = inspector.step(opened, type="investigate", note="بازدید از مرکز در روز شنبه.")
    inspector.step(opened, type="message", body="لطفاً بگویید کدام روزها و کدام باجه بوده است.")
    say("   acknowledged → triaged → investigating → a question to the reporter")
    reporter = system.reporter(filed["receipt_code"])
    mine = reporter.get("/v1/reports/mine")
    say(f"   the reporter comes back by receipt code and reads: «{mine['messages'][-1]['body']}»")
    reporter.post("/v1/reports/mine/messages", {"body": "هر سه بار سه‌شنبه، باجهٔ دو."})
    say("   and answers, still without a name\n")

    opened = inspector.read(item["id"])
    opened = inspector.step(opened, type="finding", substantiated=True, text="دریافت پول نقد در باجهٔ دو محرز است.")
    inspector.step(
        opened,
        type="decide",
        to="disciplinary",
        text="گزارش شما درست بود؛ پرونده به هیئت رسیدگی به تخلفات اداری رفت. سپاس از شما.",
        prevention="نوبت‌دهی الکترونیکی شود و پول نقد برچیده شود.",
    )
    mine = reporter.get("/v1/reports/mine")
    say("── finding and decision; what the reporter sees")
    for step in mine["steps"]:
        say(f"   {step['on']}  {step['title']}")
    say(f"   «{mine['messages'][-1]['body']}»")
    inspector.step(inspector.read(item["id"]), type="close", reason="پایان رسیدگی.")
    readings = supervisor.read(item["id"]).document["readings"]
    say(f"\n── closed. Every reading was recorded: {_readers(readings)}")


def _quote(lines: Any) -> None:
    for line in lines:
        say("\n".join(f"   │ {part}" for part in line.splitlines()))


def _readers(readings: list[dict[str, Any]]) -> str:
    counts: dict[str, int] = {}
    for reading in readings:
        counts[reading["by"]] = counts.get(reading["by"], 0) + 1
    return ", ".join(f"{name} {count}×" for name, count in counts.items())
