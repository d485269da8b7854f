"""What a running balancer cannot change about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.problems import ConfigError, Problem

if TYPE_CHECKING:
    from trio_balancer.config.model import Config

#: Keys that hold from start to end; of sections and keys that are not given, the value is None.
FOR_GOOD = (
    "balancer.relay",
    "balancer.splice",
    "balancer.faults",
    "balancer.user",
    "balancer.group",
    "control.socket",
    "control.level",
    "control.mode",
    "admin.bind",
)


class NeedsRestartError(ConfigError):
    """The configuration is valid, but a running balancer cannot take all of it over."""


def refuse_restart(old: Config, new: Config) -> None:
    """Raise NeedsRestartError with each key that is different and must not be."""
    changed = [key for key in FOR_GOOD if _value(old, key) != _value(new, key)]
    if changed:
        raise NeedsRestartError(
            [Problem("", None, key, "has changed, which needs a restart") for key in changed]
        )


def _value(config: Config, key: str) -> object:
    value: object = config
    for part in key.split("."):
        value = getattr(value, part, None)
    return value
