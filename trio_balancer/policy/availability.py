"""Who may serve: tiers of backends, and the candidates for one lease."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.policy.state import State, Unavailable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from trio_balancer.policy.backend import Backend

#: Backends of equal standing, in the file's order.
Tier = tuple["Backend", ...]


def tiers_of(backends: Iterable[Backend], *, panic: bool) -> tuple[Tier, ...]:
    """Return those who may serve, backups last, no tier empty.

    In panic, when nobody is up, checks and ejections are ignored; the operator's wish and a
    weight of 0 never are.
    """
    willing = [backend for backend in backends if backend.willing]
    up = [backend for backend in willing if backend.state is State.UP]
    serving = willing if panic and not up else up
    regular = tuple(backend for backend in serving if not backend.backup)
    backups = tuple(backend for backend in serving if backend.backup)
    return tuple(tier for tier in (regular, backups) if tier)


def candidates(tiers: tuple[Tier, ...], tried: Collection[Backend]) -> Tier | Unavailable:
    """Return who may have the next lease: free, and not tried yet while there is such a one.

    While an untried backend is full, the tried ones are not asked again: waiting for a slot
    is better than another failure.
    """
    for tier in tiers:
        # A list first: a tuple made from a generator takes twice as long.
        free = tuple([b for b in tier if b.active < b.limit and b not in tried])
        if free:
            return free
    if not tiers:
        return Unavailable.DOWN
    if tried and all(backend in tried for tier in tiers for backend in tier):
        return candidates(tiers, ())
    return Unavailable.FULL
