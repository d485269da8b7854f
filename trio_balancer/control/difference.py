"""What a reload changes, in numbers for the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_balancer.config.model import BackendConfig, Config

K = TypeVar("K")


@attrs.frozen
class Difference:
    """How many things of one kind came, have changed, and left."""

    added: int
    changed: int
    removed: int

    def __str__(self) -> str:
        return f"+{self.added} ~{self.changed} -{self.removed}"


@attrs.frozen
class Changes:
    """What a reload has changed."""

    listeners: Difference
    pools: Difference
    backends: Difference

    def __str__(self) -> str:
        return f"listeners {self.listeners}, pools {self.pools}, backends {self.backends}"


def compare(old: Config, new: Config) -> Changes:
    """Count what a reload from one configuration to the other changes."""
    return Changes(
        listeners=_difference(old.listeners, new.listeners),
        pools=_difference(old.pools, new.pools),
        backends=_difference(_backends(old), _backends(new)),
    )


def _backends(config: Config) -> dict[tuple[str, str, str], BackendConfig]:
    return {
        (pool.name, backend.name, str(backend.address)): backend
        for pool in config.pools.values()
        for backend in pool.backends
    }


def _difference(old: Mapping[K, object], new: Mapping[K, object]) -> Difference:
    common = old.keys() & new.keys()
    return Difference(
        added=len(new) - len(common),
        changed=sum(old[name] != new[name] for name in common),
        removed=len(old) - len(common),
    )
