"""Who calls the gateway's own routes: whom the door has let through, checked here once more."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from gateway.identity.tokens import PUBLIC
from gateway.routes import ACCOUNTS, ADMIN
from shared.kit.auth import Principal, permitted
from shared.kit.web.problems import FORBIDDEN, UNAUTHORIZED, Problem


def _staff(roles: frozenset[str]) -> Callable[[Request], Principal]:
    def caller(request: Request) -> Principal:
        principal: Principal = request.scope.get("seda.caller", PUBLIC)
        if not permitted(principal, "staff", roles=roles):
            raise Problem(UNAUTHORIZED if principal.kind == "public" else FORBIDDEN)
        return principal

    return caller


Admin = Annotated[Principal, Depends(_staff(ADMIN))]
Administrator = Annotated[Principal, Depends(_staff(ACCOUNTS))]
"""Somebody who has accounts in their care: an admin, the centre or a supervisor."""
