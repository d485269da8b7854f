from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trio_balancer.config.model_routes import RouteConfig
from trio_balancer.policy.routes import Routes


def _pool(*routes: RouteConfig, sni: str | None = None, alpn: Sequence[bytes] = ()) -> str | None:
    return Routes(routes).choose(sni, alpn, plain=False)


@pytest.mark.parametrize("name", ["a.b.example", "x.a.b.example", "A.B.Example", "a.b.example."])
def test_a_wildcard_takes_names_of_any_depth(name: str) -> None:
    assert _pool(RouteConfig("p", ("*.b.example",)), sni=name) == "p"


@pytest.mark.parametrize("name", ["b.example", "xb.example", "example", "a.b.example.org", None])
def test_a_wildcard_takes_no_other_names(name: str | None) -> None:
    assert _pool(RouteConfig("p", ("*.b.example",)), sni=name) is None


@pytest.mark.parametrize("name", ["a.example", "A.EXAMPLE", "a.example."])
def test_a_name_whatever_its_spelling(name: str) -> None:
    assert _pool(RouteConfig("p", ("a.example",)), sni=name) == "p"


def test_any_name_is_a_name() -> None:
    anyone = RouteConfig("p", ("*",))
    assert _pool(anyone, sni="localhost") == "p"
    assert _pool(anyone) is None
    assert _pool(anyone, sni="no host name") is None


def test_name_and_protocol_must_both_match() -> None:
    route = RouteConfig("p", ("a",), (b"h2", b"x"))
    assert _pool(route, sni="a", alpn=[b"y", b"x"]) == "p"
    assert _pool(route, sni="a", alpn=[b"H2"]) is None
    assert _pool(route, sni="a") is None
    assert _pool(route, sni="b", alpn=[b"h2"]) is None


def test_a_protocol_alone_takes_clients_without_a_name() -> None:
    assert _pool(RouteConfig("p", alpn=(b"h2",)), alpn=[b"h2"]) == "p"


def test_the_first_match_wins_not_the_longest() -> None:
    wide, narrow = RouteConfig("wide", ("*.example",)), RouteConfig("narrow", ("a.example",))
    assert _pool(wide, narrow, sni="a.example") == "wide"
    assert _pool(narrow, wide, sni="a.example") == "narrow"


def test_plain_clients_have_their_own_route() -> None:
    routes = Routes([RouteConfig("tls", ("*",)), RouteConfig("plain", plain=True)])
    assert routes.choose(None, (), plain=True) == "plain"
    assert routes.choose("a", (), plain=False) == "tls"
    assert routes.choose(None, (), plain=False) is None
    assert Routes([]).choose(None, (), plain=True) is None


def _naive_pool(
    routes: Sequence[RouteConfig], sni: str | None, alpn: Sequence[bytes], *, plain: bool
) -> str | None:
    """Ask one route after the other."""
    for route in routes:
        names = not route.sni or any(_name_matches(sni, pattern) for pattern in route.sni)
        protocols = not route.alpn or any(each in alpn for each in route.alpn)
        if plain if route.plain else not plain and names and protocols:
            return route.pool
    return None


def _name_matches(sni: str | None, pattern: str) -> bool:
    if sni is None:
        return False
    if pattern.startswith("*."):
        return sni.endswith(pattern[1:])
    return pattern in ("*", sni)


labels = st.lists(st.sampled_from("ab"), min_size=1, max_size=4).map(".".join)
patterns = labels | labels.map("*.{}".format) | st.just("*")
protocols = st.sampled_from([b"h2", b"http/1.1", b"x"])
tls_routes = st.tuples(
    st.lists(patterns, max_size=3).map(tuple), st.lists(protocols, max_size=2).map(tuple)
).filter(any)


@st.composite
def _routes(draw: st.DrawFn) -> list[RouteConfig]:
    conditions = draw(st.lists(tls_routes | st.none(), max_size=12))
    return [
        RouteConfig(str(index), plain=True) if each is None else RouteConfig(str(index), *each)
        for index, each in enumerate(conditions)
    ]


@given(_routes(), st.none() | labels, st.lists(protocols), st.booleans())
@example([RouteConfig("0", ("a", "*"), (b"h2",)), RouteConfig("1", ("a",))], "a", [b"x"], False)  # noqa: FBT003 - the strategies' order
def test_as_if_each_route_were_asked_in_turn(
    routes: list[RouteConfig],
    sni: str | None,
    alpn: list[bytes],
    plain: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    expected = _naive_pool(routes, sni, alpn, plain=plain)
    assert Routes(routes).choose(sni, alpn, plain=plain) == expected
