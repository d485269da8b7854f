from __future__ import annotations

import pytest

from trio_balancer.config.model_routes import RouteConfig
from trio_balancer.config.problems import Report
from trio_balancer.config.reader import TableReader
from trio_balancer.config.routes import protocol, read_routes


def _read(routes: object) -> tuple[tuple[RouteConfig, ...], list[str]]:
    listener = TableReader({"routes": routes}, ("listeners", "web"), Report("f"))
    read = read_routes(listener)
    listener.report_unknown_keys()
    return read, [str(problem).removeprefix("f: ") for problem in listener.report.problems]


def test_routes_in_the_order_of_the_file() -> None:
    routes, problems = _read(
        [
            {"sni": ["A.example", "*.b.example."], "alpn": ["h2", "http/1.1"], "pool": "one"},
            {"sni": "c.example", "plain": False, "pool": "two"},
            {"alpn": "postgresql", "pool": "three"},
            {"plain": True, "pool": "four"},
        ]
    )
    assert routes == (
        RouteConfig("one", ("a.example", "*.b.example"), (b"h2", b"http/1.1")),
        RouteConfig("two", ("c.example",)),
        RouteConfig("three", alpn=(b"postgresql",)),
        RouteConfig("four", plain=True),
    )
    assert not problems


def test_no_routes() -> None:
    listener = TableReader({}, (), Report("f"))
    assert read_routes(listener) == ()
    assert not listener.report.problems


def test_a_single_table_is_one_route() -> None:
    routes, problems = _read({"sni": "*", "pool": "app"})
    assert routes == (RouteConfig("app", ("*",)),)
    assert not problems


@pytest.mark.parametrize(
    ("route", "problem"),
    [
        ({"sni": "a"}, "pool: is required, but missing"),
        ({"sni": "a", "pool": ""}, "pool: expected text, got ''"),
        ({"sni": "a", "pool": "p", "snl": 1}, "snl: unknown key; did you mean 'sni'?"),
        ({"plain": "yes", "pool": "p"}, "plain: expected true or false, got 'yes'"),
        ({"sni": [], "pool": "p"}, "sni: is empty; leave it out to take any client"),
        ({"alpn": [], "pool": "p"}, "alpn: is empty; leave it out to take any client"),
        ({"alpn": ["h2", 2], "pool": "p"}, "alpn[1]: expected text, got 2"),
        (
            {"sni": "a", "plain": True, "pool": "p"},
            "plain: goes with neither sni nor alpn, which only TLS clients send",
        ),
        (
            {"alpn": "h2", "plain": True, "pool": "p"},
            "plain: goes with neither sni nor alpn, which only TLS clients send",
        ),
        (
            {"sni": ["a", "bücher.example"], "pool": "p"},
            (
                "sni[1]: expected a server name like 'a.example', '*.b.example' or '*', "
                "got 'bücher.example'; did you mean 'xn--bcher-kva.example'?"
            ),
        ),
    ],
)
def test_one_mistake_is_one_problem(route: object, problem: str) -> None:
    routes, problems = _read([route])
    assert problems == [f"listeners.web.routes[0].{problem}"]
    assert len(routes) == 1


@pytest.mark.parametrize("route", [{"pool": "p"}, {"plain": False, "pool": "p"}])
def test_a_route_needs_a_condition(route: object) -> None:
    _, problems = _read([route])
    message = "has no condition: give sni, alpn or plain = true, or make it the pool"
    assert problems == [f"listeners.web.routes[0]: {message}"]


def test_routes_need_one_at_least() -> None:
    assert _read([]) == ((), ["listeners.web.routes: at least one route is needed"])


def test_what_is_no_table_keeps_the_others_at_their_index() -> None:
    routes, problems = _read(["a.example", {"sni": "a", "pool": "p"}])
    assert problems == ["listeners.web.routes[0]: expected a table, got 'a.example'"]
    assert [route.pool for route in routes] == ["", "p"]


def test_a_route_that_can_never_match() -> None:
    _, problems = _read(
        [
            {"sni": "*.example", "pool": "p"},
            {"sni": "a.example", "pool": "q"},
        ]
    )
    [problem] = problems
    assert problem == (
        "listeners.web.routes[1]: can never match: "
        "earlier routes take all of it, listeners.web.routes[0] for one"
    )


def test_a_mistake_hides_no_later_route() -> None:
    _, problems = _read([{"sni": "a..b", "pool": "p"}, {"sni": "a", "pool": "q"}])
    assert [problem.partition(":")[0] for problem in problems] == ["listeners.web.routes[0].sni"]


def test_protocols_go_over_the_wire_as_utf_8() -> None:
    assert protocol("h2") == b"h2"
    assert protocol("ä" * 127) == "ä".encode() * 127
    with pytest.raises(ValueError, match="a protocol of at most 255 bytes"):
        protocol("ä" * 128)
