"""What a reload changes, in numbers and names for the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
    """What a reload has changed.

    `settings` are keys of the other sections, like "log.level". `files` are certificates, keys and
    authorities that the old configuration named as well, with other contents now.
    """

    listeners: Difference
    pools: Difference
    backends: Difference
    settings: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = [f"listeners {self.listeners}, pools {self.pools}, backends {self.backends}"]
        if self.settings:
            told.append(f"settings {', '.join(self.settings)}")
        if self.files:
            told.append(f"renewed files {', '.join(self.files)}")
        return "; ".join(told)


def compare(old: Config, new: Config, renewed_files: tuple[str, ...] = ()) -> Changes:
    """Tell what a reload from one configuration to the other changes.

    `renewed_files` have other contents under the same name, which no configuration shows.
    """
    before, after = dict(_settings(old)), dict(_settings(new))
    return Changes(
        listeners=_difference(old.listeners, new.listeners),
        pools=_difference(old.pools, new.pools),
        backends=_difference(_backends(old), _backends(new)),
        settings=tuple(key for key in after if after[key] != before.get(key)),
        files=renewed_files,
    )


def _backends(config: Config) -> dict[tuple[str, str, str], BackendConfig]:
    return {
        (pool.name, backend.name, str(backend.address)): backend
        for pool in config.pools.values()
        for backend in pool.backends
    }


def _settings(config: Config) -> Iterator[tuple[str, object]]:
    """Iterate over the keys of all sections that have no names of their own."""
    for name in ("balancer", "log", "control", "admin"):
        section = getattr(config, name)
        if section is not None:
            for field in attrs.fields(type(section)):
                yield f"{name}.{field.name}", getattr(section, field.name)


def _difference(old: Mapping[K, object], new: Mapping[K, object]) -> Difference:
    common = old.keys() & new.keys()
    return Difference(
        added=len(new) - len(common),
        changed=sum(old[name] != new[name] for name in common),
        removed=len(old) - len(common),
    )
