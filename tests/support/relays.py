"""Over which relay the balancers of a test move bytes.

The one that is detected, unless `end_to_end/conftest.py` has the test run over each.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.model import BalancerConfig, RelayKind

if TYPE_CHECKING:
    from collections.abc import Iterator

RELAYS = {
    "splice": BalancerConfig(relay=RelayKind.EPOLL),
    "epoll": BalancerConfig(relay=RelayKind.EPOLL, splice=False),
    "portable": BalancerConfig(relay=RelayKind.PORTABLE),
}


@attrs.define(eq=False)
class _Choice:
    config: BalancerConfig = attrs.field(factory=BalancerConfig)


_choice = _Choice()


@contextmanager
def over(name: str) -> Iterator[None]:
    """Let balancers that start meanwhile, processes too, use one of `RELAYS`."""
    _choice.config = RELAYS[name]
    try:
        yield
    finally:
        _choice.config = BalancerConfig()


def balancer_config() -> BalancerConfig:
    """Return `[balancer]` with nothing but this choice."""
    return _choice.config


def options() -> list[str]:
    """Return the same as options of the command line; none where nothing was chosen."""
    if _choice.config == BalancerConfig():
        return []
    relay, splice = _choice.config.relay.value, str(_choice.config.splice).lower()
    return ["--set", f"balancer.relay={relay}", "--set", f"balancer.splice={splice}"]
