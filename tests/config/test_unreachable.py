from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config.model_routes import RouteConfig
from trio_balancer.config.unreachable import Taken
from trio_balancer.policy.routes import Routes

A = RouteConfig("p", sni=("a.example",))
A_H2 = RouteConfig("p", sni=("a.example",), alpn=(b"h2",))
A_AND_B = RouteConfig("p", sni=("a.example", "b.example"))
B = RouteConfig("p", sni=("b.example",))
BELOW = RouteConfig("p", sni=("*.example",))
BELOW_A = RouteConfig("p", sni=("*.a.example",))
ANY = RouteConfig("p", sni=("*",))
H2 = RouteConfig("p", alpn=(b"h2",))
H2_OR_H1 = RouteConfig("p", alpn=(b"h2", b"http/1.1"))
PLAIN = RouteConfig("p", plain=True)


def _takers(*routes: RouteConfig) -> list[int | None]:
    """Return for each route the index of one that comes before and takes its clients."""
    taken = Taken()
    paths = [taken.add(("routes", index), route) for index, route in enumerate(routes)]
    return [None if path is None else int(path[1]) for path in paths]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (A, A),
        (A, A_H2),
        (A_AND_B, A),
        (BELOW, A),
        (BELOW, BELOW_A),
        (BELOW, A_AND_B),
        (ANY, BELOW),
        (ANY, A_H2),
        (H2, A_H2),
        (H2_OR_H1, H2),
        (PLAIN, PLAIN),
    ],
)
def test_a_route_that_an_earlier_one_covers(earlier: RouteConfig, later: RouteConfig) -> None:
    assert _takers(earlier, later) == [None, 0]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (A_H2, A),
        (A, A_AND_B),
        (A, BELOW),
        (BELOW_A, A),
        (BELOW_A, BELOW),
        (BELOW, ANY),
        (ANY, H2),
        (A_H2, H2),
        (H2, H2_OR_H1),
        (PLAIN, ANY),
        (ANY, PLAIN),
    ],
)
def test_a_route_that_keeps_some_clients(earlier: RouteConfig, later: RouteConfig) -> None:
    assert _takers(earlier, later) == [None, None]


def test_several_routes_may_cover_one() -> None:
    assert _takers(PLAIN, B, A, A_AND_B) == [None, None, None, 2]


NAMES = ["b.example", "a.b.example", "example"]
routes = st.builds(
    RouteConfig,
    st.just("p"),
    st.lists(st.sampled_from(["*", "*.example", "*.b.example", *NAMES]), max_size=2).map(tuple),
    st.lists(st.sampled_from([b"h2", b"x"]), max_size=2).map(tuple),
)


@given(
    st.lists(routes, max_size=5),
    st.none() | st.sampled_from([*NAMES, "x.a.b.example", "other"]),
    st.lists(st.sampled_from([b"h2", b"x"])),
)
def test_a_route_that_is_said_to_be_covered_gets_no_client(
    chosen: list[RouteConfig], name: str | None, protocols: list[bytes]
) -> None:
    # Each pool is named after its route.
    named = [RouteConfig(str(at), each.sni, each.alpn) for at, each in enumerate(chosen)]
    covered = [str(at) for at, taker in enumerate(_takers(*named)) if taker is not None]
    assert Routes(named).choose(name, protocols, plain=False) not in covered
