"""Which listening sockets a reload keeps, which it lets go, and what it must bind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trio_balancer.config import overlaps
from trio_balancer.flow.bind import Bound, Place
from trio_balancer.flow.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trio_balancer.config.model import ListenerConfig


@attrs.frozen
class OldSocket:
    """A listening socket and the listener that has it now."""

    gate: Gate
    bound: Bound


@attrs.frozen
class SocketPlan:
    """`late` places can be bound only once the sockets that are `in_the_way` are closed."""

    kept: list[tuple[Place, OldSocket]]
    early: list[Place]
    late: list[Place]
    in_the_way: list[OldSocket]
    #: Those that nobody wants and that disturb nobody.
    left_over: list[OldSocket]


def plan_sockets(gates: Iterable[Gate], listeners: Iterable[ListenerConfig]) -> SocketPlan:
    """Find for every place the socket that serves it, whoever has it now.

    A listener that an operator has shut down stays so while its configuration is the very same
    object: an amended pool is no reason to open it, a file that was read again is.
    """
    gates = list(gates)
    unwanted = [OldSocket(gate, bound) for gate in gates for bound in gate.bound]
    shut = [gate.listener.config for gate in gates if not gate.bound]
    kept: list[tuple[Place, OldSocket]] = []
    missing: list[Place] = []
    for listener in listeners:
        if any(config is listener for config in shut):
            continue
        for place in Place.of(listener):
            old = next((each for each in unwanted if each.bound.serves(place)), None)
            if old is None:
                missing.append(place)
            else:
                unwanted.remove(old)
                kept.append((place, old))
    in_the_way = [old for old in unwanted if any(_overlap(old, place) for place in missing)]
    late = [place for place in missing if any(_overlap(old, place) for old in unwanted)]
    return SocketPlan(
        kept=kept,
        early=[place for place in missing if place not in late],
        late=late,
        in_the_way=in_the_way,
        left_over=[old for old in unwanted if old not in in_the_way],
    )


def _overlap(old: OldSocket, place: Place) -> bool:
    if old.bound.is_inherited:
        return False  # closing it would make no room
    return overlaps.overlap(
        overlaps.Bound((), old.bound.socket.address, old.bound.place.v6only),
        overlaps.Bound((), place.address, place.v6only),
    )
