"""The faults that a test adds to a balancer: where they are, and under which name."""

from __future__ import annotations

from itertools import chain, count
from typing import TYPE_CHECKING, final

import attrs

from trio_balancer.faults import make_fault, on_listener, on_pool
from trio_balancer.testing.fault_handle import FaultHandle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_balancer.faults import Scope
    from trio_balancer.testing.harness_backends import Backends, Which
    from trio_balancer.testing.runner import Runner


@final
class Faults:
    """Adds faults to listeners, pools and backends."""

    def __init__(self, runner: Runner, backends: Backends) -> None:
        self._runner = runner
        self._backends = backends

    def add(
        self,
        table: Mapping[str, object],
        *,
        listener: str | None,
        pool: str | None,
        backend: Which | None,
    ) -> FaultHandle:
        """Add a fault, described as in the configuration; a key that is None is as not given.

        Raises FaultError, LookupError for a place that is not there or not clear, ValueError
        for two places at once.
        """
        if listener is not None and (pool is not None or backend is not None):
            raise ValueError("a fault is on a listener, or on what goes to a pool: not on both")
        given = {key: value for key, value in table.items() if value is not None}
        if backend is not None:
            handle = self._backends.find(backend, pool)
            return self._add(on_pool(handle.pool), {**given, "backend": handle.name})
        if pool is not None:
            return self._add(on_pool(self._backends.pool(pool).name), given)
        return self._add(on_listener(self._listener(listener)), given)

    def _listener(self, name: str | None) -> str:
        listeners = self._runner.balancer.gates
        if name is None and len(listeners) == 1:
            [name] = listeners
        if name is None or name not in listeners:
            raise LookupError(f"which listener? There are: {', '.join(listeners) or 'none'}")
        return name

    def _add(self, scope: Scope, table: Mapping[str, object]) -> FaultHandle:
        fault = make_fault(table)
        if "name" not in table:
            fault = attrs.evolve(fault, name=self._free_name(scope, fault.name))
        return FaultHandle(self._runner.faults, scope, self._runner.faults.add(scope, fault).name)

    def _free_name(self, scope: Scope, wanted: str) -> str:
        """Return a name for another fault of the same type, so that they add up."""
        # Counted, not drawn: what a fault draws comes from its name, and is to come again.
        taken = {each.fault.name for each in self._runner.faults.list(scope)}
        names = chain([wanted], (f"{wanted}_{number}" for number in count(2)))
        return next(name for name in names if name not in taken)
