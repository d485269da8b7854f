"""The step of a reload that changes everything, once nothing can go wrong any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_balancer.config.model import LogLevel
from trio_balancer.flow.bind import Bound, Place
from trio_balancer.flow.terms import Terms
from trio_balancer.network.errors import describe

if TYPE_CHECKING:
    from trio_balancer.config.model import ListenerConfig
    from trio_balancer.control.house import Draft, House
    from trio_balancer.filters import ListenerFilters


def take_over(house: House, draft: Draft) -> None:
    """Go on with another configuration; never raises, and nobody runs in between."""
    _change_log(house, draft)
    _change_limits(house, draft)
    _change_pools(house, draft)
    _let_sockets_go(house, draft)
    arrived = _sort_by_listener(draft)
    for config in draft.config.listeners.values():
        _change_listener(house, draft, config, arrived.get(config.name, []))
    _retire_listeners(house, draft)
    house.watchers.follow()
    house.gates.follow_pools()
    if house.runtime.faults is not None:
        house.runtime.faults.configure(draft.config)
    house.files = draft.prepared.files
    _tell(house, draft)


def _change_log(house: House, draft: Draft) -> None:
    if draft.sink is None:
        house.runtime.log.reconfigure(draft.config.log)
    else:
        house.runtime.log.switch(draft.config.log, draft.sink)


def _change_limits(house: House, draft: Draft) -> None:
    """Change what holds for all; what an operator has set lasts until the file's own changes."""
    runtime = house.runtime
    runtime.overflow = draft.config.balancer.overflow
    if draft.limit != house.limit:
        house.limit = draft.limit
        runtime.limiter.total_tokens = draft.limit


def _change_pools(house: House, draft: Draft) -> None:
    """Change all pools; new ones are there already, and those that left keep their connections."""
    pools, now = house.runtime.pools, trio.current_time()
    for name, config in draft.config.pools.items():
        pools[name].reconfigure(config, now)
        house.set_leg(name, draft.prepared.legs)
    for name in [name for name in pools if name not in draft.config.pools]:
        house.retire_pool(name)
    in_order = {name: pools[name] for name in draft.config.pools}
    pools.clear()
    pools.update(in_order)


def _let_sockets_go(house: House, draft: Draft) -> None:
    """Close what nobody wants, and take off what another listener goes on with."""
    for old in draft.plan.left_over:
        old.gate.close(old.bound)
    for place, old in draft.plan.kept:
        _configure(house, draft, old.bound, place)
        if old.gate.listener.name != place.listener:
            old.gate.take_off(old.bound)
        old.bound.place = place


def _configure(house: House, draft: Draft, bound: Bound, place: Place) -> None:
    try:
        bound.socket.configure(backlog=draft.config.balancer.backlog, options=place.options)
    except OSError as error:
        house.runtime.log.event(
            LogLevel.WARNING,
            "A listening socket keeps its old options",
            listener=place.listener,
            address=bound.socket.address,
            reason=describe(error),
        )


def _sort_by_listener(draft: Draft) -> dict[str, list[Bound]]:
    """Return the sockets that each listener did not have before."""
    arrived: dict[str, list[Bound]] = {}
    for bound in draft.fresh:
        arrived.setdefault(bound.place.listener, []).append(bound)
    for place, old in draft.plan.kept:
        if old.gate.listener.name != place.listener:
            arrived.setdefault(place.listener, []).append(old.bound)
    return arrived


def _change_listener(
    house: House, draft: Draft, config: ListenerConfig, arrived: list[Bound]
) -> None:
    gates = house.gates
    gate = gates.in_force.get(config.name)
    before = None if gate is None else gate.listener.terms.filters
    filters = draft.filters.get(config.name)
    if filters is None and config.filters:
        filters = before  # they have not changed
    tls = draft.prepared.tls.get(config.name)
    listener = gates.listener(Terms(config, dict(house.runtime.pools), tls, filters))
    gate = gate or gates.open(listener, [])
    for bound in arrived:
        gate.open(bound)
    gate.arrange(Place.of(config))
    _close_filters(before, unless=filters)


def _close_filters(before: ListenerFilters | None, *, unless: ListenerFilters | None) -> None:
    if before is not None and before is not unless:
        before.close()


def _tell(house: House, draft: Draft) -> None:
    for old in (*draft.plan.in_the_way, *draft.plan.left_over):
        where = {"listener": old.bound.place.listener, "address": old.bound.socket.address}
        house.runtime.log.info("Listening no more", **where)
    for bound in draft.fresh:
        where = {"listener": bound.place.listener, "address": bound.socket.address}
        pool = draft.config.listeners[bound.place.listener].pool
        house.runtime.log.info("Listening", **where, pool=pool)


def _retire_listeners(house: House, draft: Draft) -> None:
    gates = house.gates
    for name in [name for name in gates.in_force if name not in draft.config.listeners]:
        filters = gates.in_force[name].listener.terms.filters
        gates.retire(name)
        _close_filters(filters, unless=None)
    in_order = {name: gates.in_force[name] for name in draft.config.listeners}
    gates.in_force.clear()
    gates.in_force.update(in_order)
