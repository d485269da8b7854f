"""All listeners at work, and those that a reload has removed and that serve their last clients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.flow.gate import Gate
from trio_balancer.flow.listener import ListenerState
from trio_balancer.flow.live import Runtime

if TYPE_CHECKING:
    from trio_balancer.flow.bind import Bound
    from trio_balancer.flow.terms import Terms

#: Listeners that are remembered after they have left, with their counts.
MOST_DEPARTED = 1000


@attrs.define(eq=False)
class Gates:
    """The gates of a balancer; each runs in `nursery`, which ends with the last of them."""

    runtime: Runtime
    nursery: trio.Nursery
    #: Those of the configuration in force, by name; always the same mapping.
    in_force: dict[str, Gate] = attrs.Factory(dict)
    leaving: set[Gate] = attrs.Factory(set)
    _drained: trio.Event = attrs.Factory(trio.Event)
    #: Of all listeners there ever were: one that comes back goes on counting.
    _states: dict[str, ListenerState] = attrs.Factory(dict)

    @property
    def draining(self) -> bool:
        """Whether nobody is let in any more: it was drained, or `serve` is being cancelled."""
        return self._drained.is_set() or any(gate.over for gate in self.in_force.values())

    def listener(self, terms: Terms) -> ListenerState:
        """Give a listener these terms; it is a new one where its name never was there."""
        name, now = terms.config.name, trio.current_time()
        state = self._states.pop(name, None)
        if state is None:
            state = ListenerState.start(terms, now)
        else:
            state.adopt(terms, now)
        self._states[name] = state
        return state

    def open(self, listener: ListenerState, bound: list[Bound]) -> Gate:
        """Start to accept clients of a listener."""
        gate = self.in_force[listener.name] = Gate(self.runtime, listener, bound)
        self.nursery.start_soon(self._run, gate, name=f"listener {listener.name}")
        return gate

    async def _run(self, gate: Gate) -> None:
        try:
            await gate.run()
        finally:
            self.leaving.discard(gate)

    def stay(self) -> None:
        """Let `nursery` go on until a drain, also with no gate in it."""
        self.nursery.start_soon(self._drained.wait, name="stay until drained")

    def retire(self, name: str) -> None:
        """Accept no more clients of a listener; those who are there finish in their own time."""
        gate = self.in_force.pop(name)
        self.leaving.add(gate)
        gate.drain(math.inf)
        self._forget()

    def _forget(self) -> None:
        """Forget who left long ago, so that names made up for every deployment do not add up."""
        departed = [name for name in self._states if name not in self.in_force]
        for name in departed[:-MOST_DEPARTED]:
            if not self._states[name].active:
                del self._states[name]

    def drain(self, deadline: float) -> None:
        """Accept no more at all; whoever is left at `deadline` (trio's clock) is reset."""
        self._drained.set()
        for gate in (*self.in_force.values(), *self.leaving):
            gate.drain(deadline)

    def follow_pools(self) -> None:
        """Close the ports that nobody stands behind, where that is wished, and open them again."""
        for gate in self.in_force.values():
            terms = gate.listener.terms
            gate.set_down(down=terms.config.close_when_down and not terms.is_served())

    def close_filters(self) -> None:
        """Close the files of all filters in use, each as soon as its last connection is over."""
        for state in self._states.values():
            if state.terms.filters is not None:
                state.terms.filters.close()
