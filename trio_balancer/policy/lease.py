"""A lease: a backend chosen and counted in the same step, given back exactly once."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from trio_balancer.policy.backend import Backend


@attrs.define(eq=False)
class Lease:
    """One of a backend's slots; only a pool makes these, with `Lease.take`."""

    backend: Backend
    _freed: Callable[[float], None]
    _out: bool = True

    @classmethod
    def take(cls, backend: Backend, freed: Callable[[float], None]) -> Lease:
        """Count a lease; `freed(now)` is called once its slot is free again."""
        backend.leased += 1
        backend.active += 1
        backend.peak_active = max(backend.peak_active, backend.active)
        return cls(backend, freed)

    def give_back(self, now: float) -> None:
        """Free the slot, which may go to the head of the line at once.

        Raises RuntimeError when called twice: the count would be wrong ever after.
        """
        if not self._out:
            raise RuntimeError(f"a lease of backend {self.backend.name!r} was given back twice")
        self._out = False
        self.backend.active -= 1
        self._freed(now)
