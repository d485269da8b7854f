"""`[[listeners.NAME.routes]]`: which pool serves which clients, by what they ask for in clear."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from trio_balancer.config.model_routes import RouteConfig
from trio_balancer.config.problems import KeyPath, dotted
from trio_balancer.config.server_names import server_name_pattern
from trio_balancer.config.unreachable import Taken
from trio_balancer.config.values import Parser, boolean, expected, octets, text

if TYPE_CHECKING:
    from trio_balancer.config.reader import TableReader

T = TypeVar("T")

_NO_ROUTE = RouteConfig(pool="")
# RFC 7301, section 3.1: the length of a protocol's name is one byte.
_LONGEST_PROTOCOL = 255


def read_routes(listener: TableReader) -> tuple[RouteConfig, ...]:
    """Read the routes of a listener; the one at index 2 is `routes[2]` of the file."""
    items = listener.items("routes")
    if "routes" in listener and not items:
        listener.problem("routes", "at least one route is needed")
    taken = Taken()
    return tuple(_read_item(listener, path, item, taken) for path, item in items)


def _read_item(listener: TableReader, path: KeyPath, item: object, taken: Taken) -> RouteConfig:
    problems = listener.report.problems
    known = len(problems)
    section = listener.within(path, item)
    if not isinstance(item, dict):
        return _NO_ROUTE  # one problem is enough; and the others keep their indices
    route = _read_route(section)
    # A route with a mistake in it does not tell yet which clients it would take.
    if len(problems) == known:
        _report_unreachable(listener, path, taken.add(path, route))
    return route


def _report_unreachable(listener: TableReader, path: KeyPath, taker: KeyPath | None) -> None:
    if taker is not None:
        message = f"can never match: earlier routes take all of it, {dotted(taker)} for one"
        listener.report.add(path, message)


def _read_route(section: TableReader) -> RouteConfig:
    route = RouteConfig(
        pool=section.require("pool", text, _NO_ROUTE.pool),
        sni=_read_some(section, "sni", server_name_pattern),
        alpn=_read_some(section, "alpn", protocol),
        plain=section.take("plain", boolean, _NO_ROUTE.plain),
    )
    _report_conditions(section, route)
    return route


def protocol(value: object) -> bytes:
    """Parse the name of a protocol (ALPN) into the bytes that clients send for it."""
    sent = octets(value)
    if len(sent) > _LONGEST_PROTOCOL:
        raise expected(f"a protocol of at most {_LONGEST_PROTOCOL} bytes", value)
    return sent


def _read_some(section: TableReader, key: str, parse: Parser[T]) -> tuple[T, ...]:
    """Read one value or an array of them, which must not be empty; wrong ones are left out."""
    items = section.items(key)
    if key in section and not items:
        section.problem(key, "is empty; leave it out to take any client")
    parsed = [section.parse(path, item, parse, None) for path, item in items]
    return tuple(each for each in parsed if each is not None)


def _report_conditions(section: TableReader, route: RouteConfig) -> None:
    wants_tls = "sni" in section or "alpn" in section
    if route.plain and wants_tls:
        section.problem("plain", "goes with neither sni nor alpn, which only TLS clients send")
    # Compared with what is written: a wrong value of `plain` is one problem, not two.
    if not wants_tls and section.table.get("plain", False) is False:
        message = "has no condition: give sni, alpn or plain = true, or make it the pool"
        section.report.add(section.path, message)
