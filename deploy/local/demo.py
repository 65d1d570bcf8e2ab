"""``make demo``: plays a whole case, from the phone to the signed letter, and a whole corruption report, on the running
system (or starts it)."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from deploy.local.client import Caller, System, complaint, wait_for
from deploy.local.demo_report import play_report
from deploy.local.packages import LOCAL, ROOT, checked_signatures

LETTER = LOCAL / "demo-letter.pdf"


def say(text: str = "") -> None:
    """A line of the story."""
    print(text, flush=True)


def main() -> None:
    """The command line."""
    with ExitStack() as stack:
        if not (LOCAL / "run.json").exists():
            stack.enter_context(_own_system())
        system = stack.enter_context(System())
        play(system)
        play_report(system)


class _own_system:  # noqa: N801
    """The system, started for the demo and stopped after it."""

    def __enter__(self) -> None:
        say("Seda does not run; starting it (log: .local/demo-run.log) …")
        with (LOCAL / "demo-run.log").open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "deploy.local.run"], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

        def ready() -> bool | None:
            if self._process.poll() is not None:
                raise SystemExit("Seda did not start; see .local/demo-run.log.")
            return True if "is ready" in (LOCAL / "demo-run.log").read_text() else None

        wait_for(ready, "the system", 180)

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()


def play(system: System) -> None:
    """The story of one case."""
    mobile = f"+98912{random.SystemRandom().randrange(10**7):07d}"
    say(f"── A citizen logs in by SMS code ({mobile})")
    began = time.monotonic()
    citizen = system.citizen(mobile)
    say(f"   the code came and was entered after {time.monotonic() - began:.2f} s\n")

    say("── files a complaint")
    case = citizen.post("/v1/cases", complaint())
    code, case_id = case["tracking_code"], case["id"]
    say(f"   {case['subject']} → tracking code {code}, registered on {case['registered_on']}\n")

    officer, manager = system.staff("officer.sso-insurance"), system.staff("manager.sso-insurance")
    seen = wait_for(lambda: _at_desk(officer, case_id), "the case at the desk")
    say(f"── routed to «{seen['department']['name_fa']}» ({seen['routing']['method']}), due on {seen['due_on']}\n")

    say("── the desk at work")
    officer.step(case_id, type="accept")
    question = "لطفاً شمارهٔ کارگاه و ماه‌هایی را که ثبت نشده است بنویسید."
    officer.step(case_id, type="request_information", question=question)
    citizen.post(f"/v1/cases/{case_id}/messages", {"body": "کارگاه شمارهٔ ۱۲۳۴۵؛ فروردین تا آبان ۱۳۹۸."})
    wait_for(lambda: _at_desk(officer, case_id, "in_progress"), "the answer at the desk")
    officer.step(
        case_id,
        type="decide",
        outcome="upheld",
        letter_body="شکایت شما دربارهٔ ثبت نشدن هشت ماه سابقهٔ بیمه در سال ۱۳۹۸ بررسی شد. بازرس شعبه به کارگاه "
        "مراجعه کرد و فهرست‌های بیمه را از کارفرما گرفت.\nهشت ماه سابقهٔ شما در سامانه ثبت شد و از همین امروز "
        "در دسترس شماست. از شکیبایی شما سپاسگزاریم.",
        sms_summary="هشت ماه سابقهٔ شما ثبت شد.",
    )
    manager.step(case_id, type="approve")
    say("   accept → question → answer → decision → approval by a second person\n")

    pdf = wait_for(lambda: _letter(citizen, case_id), "the letter")
    LETTER.write_bytes(pdf)
    shown = citizen.get(f"/v1/cases/{case_id}")
    texts = wait_for(lambda: _all_told(system, mobile, code, shown), "the texts")
    shown = wait_for(lambda: _all_delivered(citizen, case_id), "the delivery reports")
    say("── the texts at the phone, as they were delivered")
    for text in texts:
        say("\n".join(f"   │ {line}" for line in text["text"].splitlines()) + "\n   ╵")
    say("\n── the citizen's timeline, and from the step to the text at the phone")
    for step, text in zip(shown["timeline"], texts, strict=True):
        waited = (datetime.fromisoformat(text["received_at"]) - datetime.fromisoformat(step["at"])).total_seconds()
        say(f"   {step['on']}  {step['title']:<34} {step['sms_status']:<10} {waited:5.2f} s")
    say(f"\n── the letter: number {shown['letter_number']}, signed, saved as {_named(LETTER)}")
    told = checked_signatures(LETTER)
    say("\n".join(f"   {line.strip()}" for line in told.splitlines() if "Signature Validation" in line))


def _named(path: Path) -> str:
    return os.path.relpath(path, Path.cwd())


def _at_desk(officer: Caller, case_id: str, status: str | None = None) -> Any:
    answer = officer.request("GET", f"/v1/desk/cases/{case_id}")
    if answer.status_code != 200:
        return None
    case = answer.json()
    return case if status in (None, case["status"]) else None


def _letter(citizen: Caller, case_id: str) -> bytes | None:
    answer = citizen.request("GET", f"/v1/cases/{case_id}/letter")
    return answer.content if answer.status_code == 200 else None


def _all_told(system: System, mobile: str, code: str, _shown: Any) -> list[dict[str, Any]] | None:
    """Registered, assigned, accepted, asked, answered, decided, letter: seven steps, seven texts."""
    texts = system.texts_about(mobile, code)
    return texts if len(texts) >= 7 else None


def _all_delivered(citizen: Caller, case_id: str) -> Any:
    shown = citizen.get(f"/v1/cases/{case_id}")
    done = len(shown["timeline"]) >= 7 and all(step["sms_status"] == "delivered" for step in shown["timeline"])
    return shown if done and shown["letter_number"] else None


if __name__ == "__main__":
    main()
