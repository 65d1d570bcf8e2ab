"""Who may see, make and change whose account (ADR 14). Pure: roles go in, an answer comes out.

No account is of ZRM and of IRM. Taking access to reports of corruption away needs one person, giving it needs two of
different offices: a supervisor makes or changes such an account, and it is locked until an admin has confirmed it.
"""

from collections.abc import Set
from typing import Literal

Role = Literal["officer", "manager", "centre", "group", "operator", "admin", "inspector", "supervisor", "custodian"]

IRM: Set[str] = frozenset({"inspector", "supervisor", "custodian"})
ZRM: Set[str] = frozenset({"officer", "manager", "centre", "group", "operator", "admin"})
GIVEN_BY_CENTRE: Set[str] = frozenset({"officer", "manager", "group", "operator"})
"""The centre changes who works at the desk, and makes nobody its like or its better."""

NEVER_LAST: Set[str] = frozenset({"admin", "supervisor"})
"""Roles that somebody always has: without them nobody could give access any more."""

WITH_DEPARTMENT: Set[str] = frozenset({"officer", "manager"})
"""Roles that reach a department's cases, and nothing without one."""

Reach = Literal["whole", "lock", "none"]
"""What somebody may do with an account: all of it, only look and take access away or confirm, or nothing."""


def reach(caller: Set[str], account: Set[str]) -> Reach:
    """What a caller with these roles may do with an account of those."""
    if caller & IRM:  # nobody of IRM is of ZRM as well, whatever a row may say
        return "whole" if "supervisor" in caller and account <= IRM else "none"
    if "admin" in caller:
        return "whole" if account <= ZRM else "lock"
    if "centre" in caller and account <= GIVEN_BY_CENTRE:
        return "whole"
    return "none"


def visible(caller: Set[str]) -> Set[str]:
    """The roles whose accounts a caller may see: those that have no other role."""
    if caller & IRM:
        return IRM if "supervisor" in caller else frozenset()
    if "admin" in caller:
        return ZRM | IRM
    return GIVEN_BY_CENTRE if "centre" in caller else frozenset()


def fault_of(roles: Set[str], department_id: str | None) -> str | None:
    """Why no account has these roles together, as a code of the contract; None if one may."""
    if roles & IRM and roles & ZRM:
        return "realms_mixed"
    if "custodian" in roles and len(roles) > 1:
        return "custodian_alone"
    if roles & WITH_DEPARTMENT and department_id is None:
        return "department_required"
    return None


def needs_second(roles: Set[str]) -> bool:
    """Whether what gives access to an account of these roles counts only once a second person confirmed it."""
    return bool(roles & IRM)
