from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config.model_admin import AdminConfig
from trio_balancer.control.admin.errors import RequestError
from trio_balancer.control.admin.guard import Asked, Guard
from trio_balancer.wire.address import inet_address

TOKEN = "a-token-of-many-letters"  # noqa: S105 - of nothing
BOUND = (inet_address("127.0.0.1", 9090), inet_address("10.0.0.7", 9090))
OPEN = Guard.of(AdminConfig(BOUND, hosts=("lb.example.com",)))
LOCKED = Guard.of(AdminConfig(BOUND, token=TOKEN))

READ = Asked("GET", "/api/status", {"host": "localhost:9090"}, "127.0.0.1", "127.0.0.1")
CHANGE = attrs.evolve(
    READ,
    method="POST",
    path="/api/reload",
    headers={"host": "localhost:9090", "content-type": "application/json"},
)


def refused(guard: Guard, asked: Asked) -> str | None:
    try:
        guard.check(asked)
    except RequestError as error:
        return error.code
    return None


def with_headers(asked: Asked, **headers: str) -> Asked:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return attrs.evolve(asked, headers={**asked.headers, **named})


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:9090",
        "LocalHost.",
        "127.0.0.1:9090",
        "127.8.8.8",
        "[::1]:9090",
        "10.0.0.7:9090",
        "lb.example.com",
        "LB.Example.com:443",
    ],
)
def test_own_hosts(host: str) -> None:
    assert refused(OPEN, with_headers(READ, host=host)) is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "evil.example:9090",
        "10.0.0.8",
        "127.0.0.1.evil.example",
        "[::1",
        "localhost:9090:1",
        "lb.example.com@evil.example",
        "a b",
    ],
)
def test_foreign_hosts(host: str) -> None:
    assert refused(OPEN, with_headers(READ, host=host)) == "foreign-host"


def test_no_host_at_all() -> None:
    assert refused(OPEN, attrs.evolve(READ, headers={})) == "foreign-host"


def test_the_address_that_the_client_reached_is_an_own_host() -> None:
    reached = attrs.evolve(READ, server="192.0.2.1")
    assert refused(OPEN, with_headers(reached, host="192.0.2.1:9090")) is None
    assert refused(OPEN, with_headers(reached, host="192.0.2.2:9090")) == "foreign-host"


@given(st.text())
def test_any_host_is_taken_or_refused(host: str) -> None:
    assert refused(OPEN, with_headers(READ, host=host)) in {None, "foreign-host"}


def test_a_program_may_change() -> None:
    assert refused(OPEN, CHANGE) is None


@pytest.mark.parametrize("origin", ["http://localhost:9090", "https://LOCALHOST:9090"])
def test_our_own_page_may_change(origin: str) -> None:
    asked = with_headers(CHANGE, origin=origin, sec_fetch_site="same-origin")
    assert refused(OPEN, asked) is None


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost:9091",
        "http://localhost",
        "null",
        "",
        "http://[",
        "localhost:9090",
    ],
)
def test_the_page_of_another_site_may_not(origin: str) -> None:
    assert refused(OPEN, with_headers(CHANGE, origin=origin)) == "cross-site"


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_what_a_browser_says_of_the_site_counts(site: str) -> None:
    assert refused(OPEN, with_headers(CHANGE, sec_fetch_site=site)) == "cross-site"


@pytest.mark.parametrize("media", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_a_form_may_not_change(media: str) -> None:
    assert refused(OPEN, with_headers(CHANGE, content_type=media)) == "not-json"


def test_json_may_have_parameters() -> None:
    asked = with_headers(CHANGE, content_type="Application/JSON; charset=utf-8")
    assert refused(OPEN, asked) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_every_other_method_is_a_change(method: str) -> None:
    asked = attrs.evolve(with_headers(READ, origin="http://evil.example"), method=method)
    assert refused(OPEN, asked) == "cross-site"


@pytest.mark.parametrize("client", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
def test_without_a_token_this_machine_may_change(client: str) -> None:
    assert refused(OPEN, attrs.evolve(CHANGE, client=client)) is None


@pytest.mark.parametrize("client", ["10.0.0.8", "2001:db8::1", "fe80::1%eth0", ""])
def test_without_a_token_other_machines_may_only_look(client: str) -> None:
    assert refused(OPEN, attrs.evolve(CHANGE, client=client)) == "not-allowed"
    assert refused(OPEN, attrs.evolve(READ, client=client)) is None


def test_with_the_token_other_machines_may_change() -> None:
    asked = with_headers(CHANGE, authorization=f"bearer {TOKEN}")
    assert refused(LOCKED, attrs.evolve(asked, client="10.0.0.8")) is None


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer é"]
)
def test_a_token_is_needed(given: str | None) -> None:
    headers = {} if given is None else {"authorization": given}
    assert refused(LOCKED, with_headers(READ, **headers)) == "no-token"
    assert refused(LOCKED, with_headers(CHANGE, **headers)) == "no-token"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/", "/static/main.js", "/api/docs"])
def test_what_tells_nothing_needs_no_token(path: str) -> None:
    assert refused(LOCKED, attrs.evolve(READ, path=path)) is None


@pytest.mark.parametrize("path", ["/metrics", "/api/events", "/static", "//", "/healthz/"])
def test_all_else_does(path: str) -> None:
    assert refused(LOCKED, attrs.evolve(READ, path=path)) == "no-token"
