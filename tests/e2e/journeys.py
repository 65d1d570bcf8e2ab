"""What several end-to-end tests do on their way to what they look at."""

import random
from typing import Any

from deploy.local.client import Caller, System, wait_for

DEPARTMENT = "sso-insurance"


def a_mobile() -> str:
    """A number (E.164) that no other test uses."""
    return f"+98919{random.SystemRandom().randrange(10**7):07d}"


def at_desk(caller: Caller, case_id: str, status: str) -> dict[str, Any] | None:
    """The case at the desk, if it is within reach and has that status."""
    answer = caller.request("GET", f"/v1/desk/cases/{case_id}")
    return answer.json() if answer.status_code == 200 and answer.json()["status"] == status else None


def letter_of(citizen: Caller, case_id: str) -> bytes | None:
    """The signed letter, if it is issued."""
    answer = citizen.request("GET", f"/v1/cases/{case_id}/letter")
    return answer.content if answer.status_code == 200 else None


def accepted(system: System, case_id: str) -> Caller:
    """The officer of the department, who has taken the case in hand."""
    officer = system.staff(f"officer.{DEPARTMENT}")
    wait_for(lambda: at_desk(officer, case_id, "assigned"), "the assignment")
    officer.step(case_id, type="accept")
    return officer


def decided(system: System, citizen: Caller, case_id: str, *, text: str = "به درخواست شما رسیدگی شد.") -> bytes:
    """The case is accepted, decided and approved; its letter."""
    officer = accepted(system, case_id)
    officer.step(case_id, type="decide", outcome="upheld", letter_body=text)
    system.staff(f"manager.{DEPARTMENT}").step(case_id, type="approve")
    return wait_for(lambda: letter_of(citizen, case_id), "the letter")
