"""The balancer in two or three lines: what runs, how it is, what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.control.ctl.columns import Backend
from trio_balancer.control.ctl.fields import Json, amount, flag, number, part, parts, text
from trio_balancer.control.ctl.terminal import Style
from trio_balancer.control.ctl.units import age, size, some, took

if TYPE_CHECKING:
    from collections.abc import Iterator

Line = tuple[str, Style]


def describe(status: Json) -> Iterator[Line]:
    """Describe the balancer: what it is, what it does, and then what is wrong, if anything is."""
    yield _what(status), Style.BOLD
    yield _does(part(status, "connections")), Style.PLAIN
    trouble = "; ".join(_trouble(status))
    if trouble:
        yield trouble, Style.BAD


def _what(status: Json) -> str:
    state = "draining" if flag(status, "draining") else "ready"
    told = [
        f"trio-balancer {text(status, 'version')}",
        f"pid {amount(status, 'pid'):.0f}",
        f"up {age(number(status, 'uptime'))}",
        state if flag(status, "ready") or state == "draining" else "not ready",
        text(status, "config_file"),
    ]
    return ", ".join(each for each in told if each)


def _does(connections: Json) -> str:
    limit = number(connections, "limit")
    most = "" if limit is None else f"/{limit:.0f}"
    return (
        f"{amount(connections, 'active'):.0f}{most} connections,"
        f" {amount(connections, 'rate'):.0f}/s (max {amount(connections, 'rate_max'):.0f}),"
        f" {amount(connections, 'accepted'):.0f} accepted,"
        f" {amount(connections, 'refused'):.0f} refused,"
        f" ↑{size(amount(connections, 'bytes_up'))} ↓{size(amount(connections, 'bytes_down'))}"
    )


def _trouble(status: Json) -> Iterator[str]:
    """Say what an operator should look at."""
    reloads = part(status, "reloads")
    problems = text(reloads, "last_error").split("\n")
    if problems != [""]:
        yield f"the last reload changed nothing: {'; '.join(problems)}"
    connections = part(status, "connections")
    for key, one in _COUNTED:
        if amount(connections, key):
            yield some(amount(connections, key), one)
    if amount(part(status, "log"), "dropped"):
        yield f"{some(amount(part(status, 'log'), 'dropped'), 'log line')} dropped"


_COUNTED = (
    ("accept_errors", "failed accept"),
    ("bugs", "bug"),
    ("filter_errors", "failed filter"),
)


def backends_of(pool: Json) -> list[Backend]:
    """Return the backends of a pool."""
    return [Backend(text(pool, "name"), data) for data in parts(pool, "backends")]


def removed_backends(status: Json) -> list[Backend]:
    """Return the backends that a reload has removed, as far as they have connections."""
    return [
        Backend(text(each, "pool"), {**each, "state": "removed"})
        for each in parts(status, "leaving")
        if text(each, "what") == "backend"
    ]


def describe_pool(pool: Json) -> str:
    """Describe a pool in one line, without its backends."""
    backends = parts(pool, "backends")
    up = sum(text(backend, "state") == "up" for backend in backends)
    told = [
        text(pool, "policy"),
        f"{up} of {some(len(backends), 'backend')} up",
        f"{amount(pool, 'active'):.0f} active",
    ]
    waiting = amount(pool, "queued") + amount(pool, "held")
    if waiting:
        told.append(f"{waiting:.0f} waiting")
    if number(pool, "connect_p99") is not None:
        told.append(f"connects in {took(number(pool, 'connect_p50'))}")
        told.append(f"p99 {took(number(pool, 'connect_p99'))}")
    return ", ".join(told)
