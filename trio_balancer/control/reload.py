"""Reload: take over another configuration by changing what changed, and nothing else.

Everything that may fail comes first, the least harmful at the beginning, and is undone when
something does. What is left then cannot fail and is one step (`takeover.py`), in which no other
task runs: nobody sees half of a reload.
"""

from __future__ import annotations

import math
import resource
from contextlib import ExitStack
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.config import fit_max_connections
from trio_balancer.config.model import LogLevel
from trio_balancer.control.difference import Changes, compare
from trio_balancer.control.house import Draft, House
from trio_balancer.control.restart import refuse_restart
from trio_balancer.control.sockets import plan_sockets
from trio_balancer.control.takeover import take_over
from trio_balancer.flow.bind import BindError, bind_all, close_all
from trio_balancer.flow.filtering import surroundings_of
from trio_balancer.flow.log_sink import LogSink, open_sink
from trio_balancer.network.tls_files import renewed
from trio_balancer.prepare import close_all_filters, open_all_filters, prepare
from trio_balancer.wire.address import NamedAddress

if TYPE_CHECKING:
    from trio_balancer.config.model import Config, ListenerConfig
    from trio_balancer.filters import ListenerFilters
    from trio_balancer.flow.names import Names

#: Seconds that a reload waits at most for the first answer about names that are new.
LOOKUP_PATIENCE = 2.0


class ReloadError(Exception):
    """There is nothing to reload, or it is too late; the message is a sentence for people."""


async def reload(house: House, old: Config, new: Config) -> Changes:
    """Go from the configuration in force to another one; one reload at a time.

    When this returns it has happened, with no checkpoint since. Raises ConfigError (a
    NeedsRestartError for what cannot be changed), BindError, OSError for the log, and ReloadError
    where the balancer is stopping; nothing has changed then.
    """
    _refuse_when_draining(house)
    refuse_restart(old, new)
    with ExitStack() as undo:
        draft = _prepare(house, old, new, undo)
        await _bind_early(house, draft)
        await _meet_new_backends(house, draft, undo)
        await _bind_late(house, draft)
        _refuse_when_draining(house)
        undo.pop_all()
    changes = compare(old, new, renewed(house.files, draft.prepared.files))
    take_over(house, draft)
    return changes


def _refuse_when_draining(house: House) -> None:
    if house.gates.draining:
        raise ReloadError("the balancer is stopping")


def _prepare(house: House, old: Config, new: Config, undo: ExitStack) -> Draft:
    """Load and open what the configuration names."""
    limit = fit_max_connections(new, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    prepared = prepare(new)
    sink = _open_log(house, old, new)
    if sink is not None:
        undo.callback(sink.close, 0)
    filters = _open_filters(house, new)
    undo.callback(close_all_filters, filters)
    plan = plan_sockets(house.gates.in_force.values(), new.listeners.values())
    draft = Draft(new, limit, prepared, filters, sink, plan)
    undo.callback(close_all, draft.fresh)
    return draft


def _open_log(house: House, old: Config, new: Config) -> LogSink | None:
    """Open a log file anew, also under the same name: it may have been rotated."""
    file, is_same = new.log.file, new.log.file == old.log.file
    is_no_file = file == "-" or file.startswith("syslog:")
    if not house.owns_log or (is_same and is_no_file):
        return None
    try:
        return open_sink(file)
    except OSError as error:
        if not is_same:
            raise
        # The one in use goes on: a directory that is not ours any more is no harm.
        house.runtime.log.warning("The log file stays as it is", reason=error.strerror)
        return None


def _open_filters(house: House, new: Config) -> dict[str, ListenerFilters]:
    """Make the filters that have changed; the others go on, with all that they share."""
    changed = {
        name: listener
        for name, listener in new.listeners.items()
        if name not in house.gates.in_force
        or not _same_filters(listener, house.gates.in_force[name].listener.config)
    }
    surroundings = surroundings_of(house.runtime.log, house.runtime.wall_clock)
    return open_all_filters(attrs.evolve(new, listeners=changed), surroundings)


def _same_filters(one: ListenerConfig, other: ListenerConfig) -> bool:
    return (one.filters, one.filter_buffer) == (other.filters, other.filter_buffer)


async def _bind_early(house: House, draft: Draft) -> None:
    """Bind new addresses before anything old is let go."""
    backlog = draft.config.balancer.backlog
    draft.fresh.extend(await bind_all(house.runtime.network, draft.plan.early, backlog))


async def _meet_new_backends(house: House, draft: Draft, undo: ExitStack) -> None:
    """Look up new names, and check the backends of new pools once, as at the start.

    Else the first clients would find names that are not known yet, and dead backends up.
    """
    with trio.move_on_after(LOOKUP_PATIENCE):
        await _look_up_new_names(house.runtime.names, draft.config)
    undo.callback(house.watchers.follow)
    new_pools = []
    for name, config in draft.config.pools.items():
        if name not in house.runtime.pools:
            new_pools.append(house.found_pool(config, draft.prepared.legs))
            undo.callback(house.retire_pool, name)
    await house.watchers.watch(new_pools)


async def _look_up_new_names(names: Names, config: Config) -> None:
    addresses = {backend.address for pool in config.pools.values() for backend in pool.backends}
    async with trio.open_nursery() as nursery:
        for address in addresses:
            if isinstance(address, NamedAddress) and not names.lookup(address):
                nursery.start_soon(_look_up, names, address)


async def _look_up(names: Names, address: NamedAddress) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(names.keep_resolving, address, math.inf)
        nursery.cancel_scope.cancel()


async def _bind_late(house: House, draft: Draft) -> None:
    """Bind the addresses that sockets of ours are in the way of."""
    _refuse_when_draining(house)
    if not draft.plan.late:
        return
    # Not to be left half done. Ports take no time, and Unix sockets a few seconds at most.
    with trio.CancelScope(shield=True):
        for old in draft.plan.in_the_way:
            old.gate.close(old.bound)
        backlog = draft.config.balancer.backlog
        try:
            draft.fresh.extend(await bind_all(house.runtime.network, draft.plan.late, backlog))
        except BindError:
            await _bind_again(house, draft)
            raise


async def _bind_again(house: House, draft: Draft) -> None:
    """Go back to the addresses that were let go, with the ports that the kernel had picked."""
    backlog = draft.config.balancer.backlog
    for old in draft.plan.in_the_way:
        place = attrs.evolve(old.bound.place, address=old.bound.socket.address)
        try:
            [bound] = await bind_all(house.runtime.network, [place], backlog)
        except BindError as error:
            house.runtime.log.event(LogLevel.ERROR, "An address is lost", reason=error.strerror)
        else:
            bound.place = old.bound.place
            old.gate.open(bound)
