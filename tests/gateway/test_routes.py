import re

import pytest

from gateway.routes import PUBLIC, ROUTES, Route, RouteTree
from shared.kit.auth import Principal

TREE = RouteTree(ROUTES)
OPEN = {
    ("POST", "/v1/auth/otp"),
    ("POST", "/v1/auth/otp/{challenge_id}"),
    ("POST", "/v1/auth/staff"),
    ("POST", "/v1/auth/token"),
    ("GET", "/v1/reference/categories"),
    ("GET", "/v1/reference/departments"),
    ("GET", "/v1/reference/provinces"),
    ("GET", "/v1/reference/organisations"),
    ("GET", "/v1/track/{code}"),
    ("GET", "/v1/letters/verify/{code}"),
    ("GET", "/v1/reports/keys"),
    ("POST", "/v1/reports"),
    ("POST", "/v1/reports/session"),
    ("POST", "/v1/reports/claim"),
    ("GET", "/v1/log/checkpoint"),
    ("GET", "/v1/log/tile/{path*}"),
    ("GET", "/v1/log/key"),
    ("GET", "/v1/log/proof"),
    ("OPTIONS", "/v1/uploads"),
    ("OPTIONS", "/v1/uploads/{upload_id}"),
}
"""What anybody may call who has not logged in; a route that is added here was thought about."""


def test_only_what_is_meant_to_be_public_is() -> None:
    assert {(route.method, route.template) for route in ROUTES if "public" in route.kinds} == OPEN


def test_every_route_is_found_by_a_path_of_its_own() -> None:
    assert len({(route.method, re.sub(r"\{\w+\*?\}", "{}", route.template)) for route in ROUTES}) == len(ROUTES)
    for route in ROUTES:
        assert TREE.methods(re.sub(r"\{\w+\*?\}", "x", route.template))[route.method] is route


@pytest.mark.parametrize(
    "path", ["", "/", "/v1", "/v1/cases/", "/v1/cases//timeline", "/v1/cases/x/unknown", "/V1/cases"]
)
def test_what_is_not_in_the_table_does_not_exist(path: str) -> None:
    assert TREE.methods(path) == {}


def test_a_fixed_part_wins_over_a_name_and_gives_way_where_it_leads_nowhere() -> None:
    tree = RouteTree(
        [
            Route("GET", "/a/{x}", "intake", PUBLIC),
            Route("GET", "/a/fixed", "routing", PUBLIC),
            Route("GET", "/a/{x}/more", "letters", PUBLIC),
        ]
    )
    assert tree.methods("/a/fixed")["GET"].service == "routing"
    assert tree.methods("/a/other")["GET"].service == "intake"
    assert tree.methods("/a/fixed/more")["GET"].service == "letters"


def test_a_starred_name_takes_one_part_or_more_and_no_empty_one() -> None:
    tree = RouteTree(
        [
            Route("GET", "/a/{path*}", "intake", PUBLIC),
            Route("GET", "/a/fixed", "routing", PUBLIC),
            Route("POST", "/a/{x}/more", "letters", PUBLIC),
        ]
    )
    assert tree.methods("/a/x")["GET"].service == "intake"
    assert tree.methods("/a/x/y/z")["GET"].service == "intake"
    assert tree.methods("/a/fixed")["GET"].service == "routing"
    assert tree.methods("/a/fixed/x")["GET"].service == "intake"
    assert list(tree.methods("/a/x/more")) == ["POST"]
    for path in ("/a", "/a/", "/a//x", "/a/x/", "/a/x//y", "/b/x"):
        assert tree.methods(path) == {}


def test_staff_may_read_no_citizens_own_routes_and_nobody_elses_desk() -> None:
    desk = [route for route in ROUTES if route.template.startswith("/v1/desk")]
    assert desk
    admin = Principal("staff", "a", roles=frozenset({"admin"}))
    citizen = Principal("citizen", "c")
    partner = Principal("partner", "p", scopes=frozenset({"cases:write", "cases:read_all"}))
    for route in desk:
        assert not any(route.lets(caller) for caller in (admin, citizen, partner))
        assert route.roles, "a desk route without roles would let every member of staff in"
    mine = TREE.methods("/v1/cases/x/letter")["GET"]
    assert mine.lets(citizen)
    assert not mine.lets(admin)
    assert not mine.lets(Principal("staff", "o", roles=frozenset({"officer"})))


def test_partners_need_every_scope() -> None:
    filing = TREE.methods("/v1/cases")["POST"]
    assert filing.lets(Principal("partner", "p", scopes=frozenset({"cases:write"})))
    assert not filing.lets(Principal("partner", "p"))


def test_a_reporter_s_token_opens_one_report_and_nothing_else() -> None:
    reporter = Principal("reporter", "r", box="k1.x")
    reached = {
        (route.method, route.template) for route in ROUTES if route.lets(reporter) and "public" not in route.kinds
    }
    assert {path for _, path in reached} == {
        "/v1/reports/mine",
        "/v1/reports/mine/messages",
        "/v1/uploads",
        "/v1/uploads/{upload_id}",
    }
    assert not TREE.methods("/v1/reports")["POST"].lets(reporter)


def test_a_moved_case_s_citizen_asks_intake_by_name_and_integrity_without_one() -> None:
    citizen = Principal("citizen", "c")
    by_name = TREE.methods("/v1/cases/x/receipt")["POST"]
    assert (by_name.service, by_name.lets(citizen)) == ("intake", True)
    others = (
        Principal("public", "public"),
        Principal("reporter", "r"),
        Principal("partner", "p", scopes=frozenset({"cases:write", "cases:read_all"})),
        Principal("staff", "s", roles=frozenset({"admin", "officer", "manager", "centre", "operator", "supervisor"})),
    )
    assert not any(by_name.lets(caller) for caller in others)
    nameless = TREE.methods("/v1/reports/claim")["POST"]
    assert nameless.service == "integrity"
    assert not nameless.reads_token, "an app sends its citizen's token along: integrity is not told of it"


def test_nobody_reaches_inspection_but_those_who_may_hold_keys() -> None:
    inspection = [route for route in ROUTES if route.template.startswith("/v1/inspect")]
    assert inspection
    others = [
        Principal("public", "public"),
        Principal("citizen", "c"),
        Principal("reporter", "r"),
        Principal("partner", "p", scopes=frozenset({"cases:write", "cases:read_all"})),
        Principal("staff", "a", roles=frozenset({"admin", "officer", "manager", "centre", "group", "operator"})),
    ]
    for route in inspection:
        assert route.service == "integrity"
        assert route.roles, "a route of inspection without roles would let every member of staff in"
        assert not any(route.lets(caller) for caller in others)
