"""Which pool serves a client, by what it asked for before anything was decrypted."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from trio_balancer.config.server_names import matching_patterns
from trio_balancer.wire.host_name import canonical_host_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trio_balancer.config.model_routes import Alternative, RouteConfig


class Routes:
    """The routes of a listener; the first that matches wins.

    What a choice costs does not grow with the number of routes: the first route of every
    alternative is known beforehand, and a client is looked up under each that it satisfies.
    """

    def __init__(self, routes: Iterable[RouteConfig]) -> None:
        self._routes = tuple(routes)
        self._plain = next((route.pool for route in self._routes if route.plain), None)
        self._first: dict[Alternative, int] = {}
        for index, route in enumerate(self._routes):
            for alternative in route.alternatives():
                self._first.setdefault(alternative, index)
        self._protocols = {protocol for _, protocol in self._first}

    def choose(self, sni: str | None, alpn: Iterable[bytes], *, plain: bool) -> str | None:
        """Return the pool for a client; None when no route matches.

        `sni` is the name that a client of TLS asks for (capitals and a trailing dot make no
        difference, and what is no host name counts as none), `alpn` the protocols that it
        offers. A client that does not speak TLS is `plain`, and has neither.
        """
        if plain:
            return self._plain
        # Only what some route asks for: a client may offer thousands of protocols.
        protocols = self._protocols.intersection([None, *alpn])
        satisfied = product(_patterns(sni), protocols)
        found = [self._first[each] for each in satisfied if each in self._first]
        return self._routes[min(found)].pool if found else None


def _patterns(sni: str | None) -> list[str | None]:
    """Return what routes may ask of a name for this one, or the lack of one, to match."""
    name = None if sni is None else canonical_host_name(sni)
    return [None] if name is None else [None, *matching_patterns(name)]
