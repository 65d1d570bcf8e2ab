"""The enumerated routes: method and path → service, and who may call. What is not here does not exist.

The first check of three: the gateway lets a kind of caller through, the service checks roles and scopes again, and its
queries reach only what is the caller's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from shared.kit.auth import Kind, Principal, permitted
from shared.kit.uploads import Limits

Service = Literal["gateway", "intake", "routing", "letters", "integrity"]

PUBLIC: tuple[Kind, ...] = ("public", "citizen", "staff", "partner", "reporter")
CITIZEN: tuple[Kind, ...] = ("citizen",)
OWNER: tuple[Kind, ...] = ("citizen", "partner")
STAFF: tuple[Kind, ...] = ("staff",)
REPORTER: tuple[Kind, ...] = ("reporter",)
DESK = frozenset({"officer", "manager", "centre"})
HOLDERS = frozenset({"inspector", "supervisor", "custodian"})
INSPECTION = frozenset({"inspector", "supervisor"})
CUSTODY = frozenset({"custodian"})
CENTRE = frozenset({"centre"})
REVIEWERS = frozenset({"manager", "centre"})
GROUP = frozenset({"group", "centre"})

SENDER: tuple[Kind, ...] = ("citizen", "staff", "partner", "reporter")

SMALL_BODY = 64 * 1024
CASE_BODY = 128 * 1024
REPORT_BODY = 256 * 1024
RULES_BODY = 512 * 1024
FILE_BODY = Limits().file_bytes

QUIET = ("/v1/reports", "/v1/inspect", "/v1/log", "/v1/uploads")
"""Under these nothing is logged or traced, here or behind: who asks about corruption reports, or sends a file for one,
and when, is not kept."""


@dataclass(frozen=True, slots=True)
class Route:
    """``template`` is the path with ``{names}``, the last of which may be ``{name*}``: one part or more. Staff need one
    of ``roles``, partners all of ``scopes``. ``streamed``: body and answer go through piece by piece, since they are
    long, slow or endless. ``reads_token``: not where one logs in, since apps send the token that has expired along with
    the refresh token. ``by_sender``: a file, which goes to integrity instead if it is for a report
    (``gateway.uploads``)."""

    method: str
    template: str
    service: Service
    kinds: tuple[Kind, ...]
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    body: int = SMALL_BODY
    streamed: bool = False
    reads_token: bool = True
    by_sender: bool = False

    def lets(self, caller: Principal) -> bool:
        """Whether a caller of this kind, with these roles and scopes, may pass."""
        return permitted(caller, *self.kinds, roles=self.roles, scopes=self.scopes)


_WRITE = frozenset({"cases:write"})

ROUTES: tuple[Route, ...] = (
    # identity: the gateway's own
    Route("POST", "/v1/auth/otp", "gateway", PUBLIC, reads_token=False),
    Route("POST", "/v1/auth/otp/{challenge_id}", "gateway", PUBLIC, reads_token=False),
    Route("POST", "/v1/auth/staff", "gateway", PUBLIC, reads_token=False),
    Route("POST", "/v1/auth/token", "gateway", PUBLIC, reads_token=False),
    Route("POST", "/v1/auth/logout", "gateway", ("citizen", "staff", "partner")),
    Route("GET", "/v1/me", "gateway", ("citizen", "staff", "partner")),
    # reference data
    Route("GET", "/v1/reference/categories", "routing", PUBLIC),
    Route("GET", "/v1/reference/departments", "routing", PUBLIC),
    Route("GET", "/v1/reference/provinces", "routing", PUBLIC),
    Route("GET", "/v1/reference/organisations", "routing", PUBLIC),
    # cases: the citizen's side
    Route(
        "POST",
        "/v1/cases",
        "intake",
        ("citizen", "partner", "staff"),
        roles=frozenset({"operator"}),
        scopes=_WRITE,
        body=CASE_BODY,
    ),
    Route("GET", "/v1/cases", "intake", OWNER, scopes=_WRITE),
    Route("GET", "/v1/cases/{case_id}", "intake", OWNER, scopes=_WRITE),
    Route("GET", "/v1/cases/{case_id}/timeline", "intake", OWNER, scopes=_WRITE),
    Route("POST", "/v1/cases/{case_id}/messages", "intake", CITIZEN, body=CASE_BODY),
    Route("POST", "/v1/cases/{case_id}/rating", "intake", CITIZEN),
    Route("POST", "/v1/cases/{case_id}/receipt", "intake", CITIZEN),
    Route("POST", "/v1/cases/{case_id}/withdraw", "routing", CITIZEN),
    Route("POST", "/v1/cases/{case_id}/reopen", "routing", CITIZEN),
    Route("GET", "/v1/cases/{case_id}/letter", "letters", CITIZEN, streamed=True),
    Route("GET", "/v1/cases/{case_id}/attachments/{n}", "intake", OWNER, scopes=_WRITE, streamed=True),
    Route("GET", "/v1/track/{code}", "intake", PUBLIC),
    # files on their way
    Route("OPTIONS", "/v1/uploads", "intake", PUBLIC),
    Route("POST", "/v1/uploads", "intake", SENDER, body=FILE_BODY, streamed=True, by_sender=True),
    Route("OPTIONS", "/v1/uploads/{upload_id}", "intake", PUBLIC),
    Route("HEAD", "/v1/uploads/{upload_id}", "intake", SENDER, by_sender=True),
    Route("PATCH", "/v1/uploads/{upload_id}", "intake", SENDER, body=FILE_BODY, streamed=True, by_sender=True),
    Route("DELETE", "/v1/uploads/{upload_id}", "intake", SENDER, by_sender=True),
    # the desk
    Route("GET", "/v1/desk/cases", "routing", STAFF, roles=DESK),
    Route("GET", "/v1/desk/cases/{case_id}", "routing", STAFF, roles=DESK),
    Route("POST", "/v1/desk/cases/{case_id}/steps", "routing", STAFF, roles=DESK, body=CASE_BODY),
    Route("POST", "/v1/desk/cases/bulk-assign", "routing", STAFF, roles=frozenset({"manager", "centre"})),
    Route("POST", "/v1/desk/cases/{case_id}/merge", "routing", STAFF, roles=DESK),
    Route("POST", "/v1/desk/cases/{case_id}/contact", "intake", STAFF, roles=DESK),
    Route("GET", "/v1/desk/views", "routing", STAFF, roles=DESK),
    Route("POST", "/v1/desk/views", "routing", STAFF, roles=DESK),
    Route("DELETE", "/v1/desk/views/{id}", "routing", STAFF, roles=DESK),
    Route("GET", "/v1/desk/summary", "routing", STAFF, roles=DESK),
    Route("GET", "/v1/desk/stream", "routing", STAFF, roles=DESK, streamed=True),
    Route("GET", "/v1/desk/directory", "routing", STAFF, roles=DESK),
    *(
        Route(method, f"/v1/desk/directory/{kind}/{{id}}", "routing", STAFF, roles=CENTRE)
        for method in ("PUT", "PATCH")
        for kind in ("organisations", "departments", "categories")
    ),
    Route("GET", "/v1/desk/directory/versions", "routing", STAFF, roles=CENTRE),
    Route("GET", "/v1/desk/directory/versions/{version}", "routing", STAFF, roles=CENTRE),
    Route("GET", "/v1/desk/rules", "routing", STAFF, roles=CENTRE),
    Route("PUT", "/v1/desk/rules", "routing", STAFF, roles=CENTRE, body=RULES_BODY),
    Route("POST", "/v1/desk/rules/dry-run", "routing", STAFF, roles=CENTRE, body=RULES_BODY),
    Route("GET", "/v1/desk/triage", "routing", STAFF, roles=CENTRE),
    Route("GET", "/v1/desk/audit", "routing", STAFF, roles=CENTRE),
    Route("POST", "/v1/desk/audit/{case_id}", "routing", STAFF, roles=CENTRE),
    Route("GET", "/v1/desk/cases/{case_id}/attachments/{n}", "routing", STAFF, roles=DESK, streamed=True),
    # corruption reports: the reporter's side
    Route("GET", "/v1/reports/keys", "integrity", PUBLIC),
    Route("POST", "/v1/reports", "integrity", ("public", "citizen"), body=REPORT_BODY),
    Route("POST", "/v1/reports/session", "gateway", PUBLIC, reads_token=False),
    Route("POST", "/v1/reports/claim", "integrity", PUBLIC, reads_token=False),
    Route("GET", "/v1/reports/mine", "integrity", REPORTER),
    Route("POST", "/v1/reports/mine/messages", "integrity", REPORTER, body=REPORT_BODY),
    # … and that of those who hold keys
    Route("PUT", "/v1/inspect/keys/me", "integrity", STAFF, roles=HOLDERS),
    Route("GET", "/v1/inspect/keys", "integrity", STAFF, roles=HOLDERS),
    Route("DELETE", "/v1/inspect/keys/{username}", "integrity", STAFF, roles=frozenset({"supervisor"})),
    Route("GET", "/v1/inspect/reports", "integrity", STAFF, roles=INSPECTION),
    Route("GET", "/v1/inspect/reports/{report_id}", "integrity", STAFF, roles=INSPECTION, streamed=True),
    Route(
        "GET",
        "/v1/inspect/reports/{report_id}/attachments/{n}",
        "integrity",
        STAFF,
        roles=INSPECTION,
        streamed=True,
    ),
    Route(
        "POST",
        "/v1/inspect/reports/{report_id}/steps",
        "integrity",
        STAFF,
        roles=INSPECTION,
        body=REPORT_BODY,
        streamed=True,
    ),
    Route("GET", "/v1/inspect/custody", "integrity", STAFF, roles=CUSTODY),
    Route("GET", "/v1/inspect/reports/{report_id}/identity", "integrity", STAFF, roles=CUSTODY),
    Route("POST", "/v1/inspect/reports/{report_id}/identity", "integrity", STAFF, roles=CUSTODY),
    Route("GET", "/v1/inspect/reports/{report_id}/recovery", "integrity", STAFF, roles=CUSTODY),
    Route("POST", "/v1/inspect/reports/{report_id}/recovery", "integrity", STAFF, roles=CUSTODY, body=REPORT_BODY),
    Route("GET", "/v1/inspect/summary", "integrity", STAFF, roles=frozenset({"supervisor"})),
    # the monthly review and the working group
    Route("GET", "/v1/desk/reviews", "routing", STAFF, roles=REVIEWERS),
    Route("GET", "/v1/desk/reviews/{month}", "routing", STAFF, roles=REVIEWERS),
    Route("GET", "/v1/desk/reviews/{month}/report", "routing", STAFF, roles=REVIEWERS, streamed=True),
    Route("POST", "/v1/desk/reviews/{month}/notes", "routing", STAFF, roles=frozenset({"manager"})),
    Route("GET", "/v1/desk/working-group/agenda", "routing", STAFF, roles=GROUP),
    Route("GET", "/v1/desk/working-group/topics", "routing", STAFF, roles=GROUP),
    Route("POST", "/v1/desk/working-group/topics", "routing", STAFF, roles=GROUP),
    Route("GET", "/v1/desk/working-group/topics/{topic_id}", "routing", STAFF, roles=GROUP),
    Route(
        "POST",
        "/v1/desk/working-group/topics/{topic_id}/decisions",
        "routing",
        STAFF,
        roles=frozenset({"group"}),
        body=CASE_BODY,
    ),
    # letters
    Route("GET", "/v1/letters/verify/{code}", "letters", PUBLIC),
    # the transparency log
    Route("GET", "/v1/log/checkpoint", "integrity", PUBLIC),
    Route("GET", "/v1/log/tile/{path*}", "integrity", PUBLIC),
    Route("GET", "/v1/log/key", "integrity", PUBLIC),
    Route("GET", "/v1/log/proof", "integrity", PUBLIC),
)


@dataclass(slots=True)
class _Node:
    names: dict[str, "_Node"] = field(default_factory=dict)
    any: "_Node | None" = None
    rest: "_Node | None" = None
    methods: dict[str, Route] = field(default_factory=dict)


class RouteTree:
    """The routes by their path's parts; a fixed part wins over a ``{name}``, and that over a ``{name*}``."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            node = self._root
            for part in route.template.split("/")[1:]:
                if part.endswith("*}"):
                    node.rest = node.rest or _Node()
                    node = node.rest
                elif part.startswith("{"):
                    node.any = node.any or _Node()
                    node = node.any
                else:
                    node = node.names.setdefault(part, _Node())
            node.methods[route.method] = route

    def methods(self, path: str) -> dict[str, Route]:
        """The routes at a path (decoded, without query) by method; empty where there is none."""
        found = self._find(self._root, path.split("/")[1:], 0)
        return found.methods if found else {}

    def _find(self, node: _Node, parts: Sequence[str], at: int) -> _Node | None:
        if at == len(parts):
            return node if node.methods else None
        part = parts[at]
        fixed = node.names.get(part)
        if fixed is not None and (found := self._find(fixed, parts, at + 1)):
            return found
        if node.any and part and (found := self._find(node.any, parts, at + 1)):
            return found
        return node.rest if node.rest and all(parts[at:]) else None
