"""The commands that add, remove and readdress backends: a reload of one pool, from memory.

What they do lasts until the next reload of the file, which knows nothing of it.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.config.model import BackendConfig
from trio_balancer.control.capacity import MOST_WEIGHT
from trio_balancer.control.find import find_pool
from trio_balancer.control.haproxy import change
from trio_balancer.control.haproxy.places import limit, nothing_after, place, server
from trio_balancer.control.reload import ReloadError
from trio_balancer.policy import Admin
from trio_balancer.wire.address import (
    AddressError,
    InetAddress,
    NamedAddress,
    inet_address,
    parse_address,
)
from trio_balancer.wire.haproxy_reply import CommandError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from trio_balancer.config.model import Config
    from trio_balancer.control.haproxy.session import Session
    from trio_balancer.policy import Backend
    from trio_balancer.wire.address import Address

    Backends = Sequence[BackendConfig]
    Change = Callable[[Backends], Backends]

_BY = "by 'stats socket command'"


def set_server(session: Session, words: Sequence[str]) -> str | Awaitable[str]:
    """Change one thing about a backend."""
    if words[1:2] == ["addr"]:
        server(session.balancer, words)
        return _set_address(session, words)
    return change.set_server(session, words)


async def _set_address(session: Session, words: Sequence[str]) -> str:
    """Let a backend be at another address; the connections that it has stay where they are."""
    pool, backend = server(session.balancer, words)
    old = backend.address
    new = _new_address(old, words[2:])
    if str(old) != str(new):
        await _reload_pool(session, pool.name, partial(_readdressed, backend.name, new))
    return _told(old, new)


def _readdressed(name: str, address: Address, backends: Backends) -> Backends:
    return [attrs.evolve(each, address=address) if each.name == name else each for each in backends]


def _new_address(old: Address, words: Sequence[str]) -> Address:
    """Parse "IP [port P]"; the port may be left out, and stays then."""
    host, rest = (words[0], words[1:]) if words else ("", [])
    port = 0 if not isinstance(old, InetAddress | NamedAddress) else old.port
    if rest:
        if rest[0] != "port" or len(rest) < 2:  # noqa: PLR2004 - the word and the number
            raise CommandError("'set server <srv> addr' expects <ip> [port <port>].")
        port = limit(rest[1:2])
    with suppress(ValueError):
        return parse_address(str(inet_address(host, port)))
    raise CommandError(f"Invalid addr '{host}' {_BY}")


def _told(old: Address, new: Address) -> str:
    """Say what has changed, in HAProxy's words."""
    before, after = _parts(old), _parts(new)
    ip = "no need to change the addr"
    if before[0] != after[0]:
        ip = f"IP changed from '{before[0]}' to '{after[0]}'"
    port = "no need to change the port"
    if before[1] != after[1]:
        port = f"port changed from '{before[1]}' to '{after[1]}'"
    return f"{ip}, {port} {_BY}"


def _parts(address: Address) -> tuple[str, str]:
    if isinstance(address, InetAddress):
        return address.host, str(address.port)
    if isinstance(address, NamedAddress):
        return address.name, str(address.port)
    return address.path, ""


async def add(session: Session, words: Sequence[str]) -> str:
    """Add a backend to a pool, in maintenance until it is enabled."""
    pool_name, name = place(words)
    pool = find_pool(session.balancer, pool_name)
    config = _parse_backend(name, words[1:])
    await _reload_pool(session, pool_name, partial(_with, config))
    # No checkpoint since the reload: nobody has been sent there yet.
    backend = server(session.balancer, words)[1]
    pool.set_admin(backend, Admin.MAINTENANCE, trio.current_time())
    return "New server registered."


def _with(config: BackendConfig, backends: Backends) -> Backends:
    if any(each.name == config.name for each in backends):
        raise CommandError("Already exists a server with the same name in backend.")
    return [*backends, config]


def _parse_backend(name: str, words: Sequence[str]) -> BackendConfig:
    """Parse "ADDRESS [weight N] [maxconn N] [backup] [check]"."""
    if not words:
        raise CommandError("'server' expects <name> and <addr>[:<port>] as arguments.")
    config = BackendConfig(name, _parse_address(words[0]))
    left = list(words[1:])
    while left:
        option = left.pop(0)
        if option == "backup":
            config = attrs.evolve(config, backup=True)
        elif option in {"weight", "maxconn"}:
            config = _with_number(config, option, limit(left[:1]))
            left.pop(0)
        elif option != "check":  # whether there are checks is the pool's to say
            raise CommandError(f"Unknown keyword '{option}'.")
    return config


def _with_number(config: BackendConfig, option: str, number: int) -> BackendConfig:
    if option == "maxconn":
        return attrs.evolve(config, max_connections=number or None)
    if number > MOST_WEIGHT:
        raise CommandError("Absolute weight can only be between 0 and 256 inclusive.")
    return attrs.evolve(config, weight=number)


def _parse_address(text: str) -> Address:
    try:
        address = parse_address(text)
    except AddressError as error:
        raise CommandError(f"{error}.") from None
    if isinstance(address, InetAddress | NamedAddress) and address.port == 0:
        raise CommandError(f"Invalid addr '{text}' {_BY}")
    return address


async def delete(session: Session, words: Sequence[str]) -> str:
    """Remove a backend that is in maintenance and has no connection."""
    pool, backend = server(session.balancer, words)
    nothing_after(words[1:])
    _check_removable(backend)
    await _reload_pool(session, pool.name, partial(_without, backend.name))
    return "Server deleted."


def _without(name: str, backends: Backends) -> Backends:
    kept = [each for each in backends if each.name != name]
    if not kept:
        raise CommandError("A pool needs a server: this is its last one.")
    return kept


def _check_removable(backend: Backend) -> None:
    if backend.admin is not Admin.MAINTENANCE:
        raise CommandError("Only servers in maintenance mode can be deleted.")
    if backend.active:
        raise CommandError("Server still has connections attached to it, cannot remove it.")


async def _reload_pool(session: Session, pool: str, change: Change) -> None:
    """Let `change` make the pool's backends others; it sees those of the very moment.

    What it raises is raised, and then nothing has changed.
    """

    def amend(config: Config) -> Config:
        old = config.pools.get(pool)
        if old is None:
            raise ReloadError(f"pool {pool!r} has gone")
        new = attrs.evolve(old, backends=tuple(change(old.backends)))
        return attrs.evolve(config, pools={**config.pools, pool: new})

    await session.operations.amend(amend)
