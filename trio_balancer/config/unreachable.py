"""Finds routes that can never match, because earlier ones take all of their clients."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.model_routes import Alternative, RouteConfig
from trio_balancer.config.problems import KeyPath
from trio_balancer.config.server_names import matching_patterns

if TYPE_CHECKING:
    from collections.abc import Iterable

# In place of an alternative: all clients that do not speak TLS.
_PLAIN = None


@attrs.define(eq=False)
class Taken:
    """What the routes so far take, and where the first that takes it stands."""

    _takers: dict[Alternative | None, KeyPath] = attrs.field(factory=dict, init=False)

    def add(self, path: KeyPath, route: RouteConfig) -> KeyPath | None:
        """Add the next route; return where one stands that leaves it no client, if so.

        Others may have helped that one: each name of a route may be taken by another.
        """
        wanted = (_PLAIN,) if route.plain else route.alternatives()
        takers = [self._taker(each) for each in wanted]
        for each in wanted:
            self._takers.setdefault(each, path)
        return None if None in takers else takers[0]

    def _taker(self, wanted: Alternative | None) -> KeyPath | None:
        found = (self._takers.get(each) for each in _at_least(wanted))
        return next((path for path in found if path is not None), None)


def _at_least(wanted: Alternative | None) -> Iterable[Alternative | None]:
    """Return all that a route may ask for to take these clients, be it these and others."""
    if wanted is _PLAIN:
        return [_PLAIN]
    name, protocol = wanted
    names = [None] if name is None else [None, *matching_patterns(name)]
    return product(names, {None, protocol})
