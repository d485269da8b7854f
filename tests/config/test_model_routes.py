from __future__ import annotations

from trio_balancer.config.model_routes import RouteConfig


def test_a_client_matches_one_of_each_condition() -> None:
    route = RouteConfig("app", sni=("a", "b"), alpn=(b"h2", b"x"))
    assert route.alternatives() == (("a", b"h2"), ("a", b"x"), ("b", b"h2"), ("b", b"x"))


def test_what_a_route_does_not_ask_for_may_be_anything() -> None:
    assert RouteConfig("app", sni=("a",)).alternatives() == (("a", None),)
    assert RouteConfig("app", alpn=(b"h2",)).alternatives() == ((None, b"h2"),)


def test_no_client_of_tls_matches_a_plain_route() -> None:
    assert RouteConfig("app", plain=True).alternatives() == ()
