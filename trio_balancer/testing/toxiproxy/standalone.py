"""The command line's way in: `--toxiproxy`, with a configuration or without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trio_balancer.config import parse_config
from trio_balancer.testing.toxiproxy.addresses import ApiAddress
from trio_balancer.wire.address import InetAddress, NamedAddress, parse_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.config.model import Config

# A file must have a listener and a pool; these are taken out again.
_NOBODY = "nobody"
_STAND_IN = (
    f'[listeners.{_NOBODY}]\nbind = "127.0.0.1:0"\npool = "{_NOBODY}"\n'
    f'[pools.{_NOBODY}]\nbackends = ["127.0.0.1:1"]\n'
)


def read_api_address(text: str) -> ApiAddress:
    """Parse where the API is to listen, HOST:PORT; raises ValueError with a sentence."""
    address = parse_address(text)
    if isinstance(address, InetAddress):
        return ApiAddress(address.host, address.port)
    if isinstance(address, NamedAddress):
        return ApiAddress(address.name, address.port)
    raise ValueError(f"{text!r} is not an address: expected HOST:PORT, like '127.0.0.1:8474'")


def config_without_file(overrides: Sequence[str]) -> Config:
    """Make a configuration of nothing but overrides, `KEY=VALUE`; raises ConfigError."""
    config = parse_config(_STAND_IN, source="the command line", overrides=overrides)
    listeners, pools = dict(config.listeners), dict(config.pools)
    del listeners[_NOBODY], pools[_NOBODY]
    return attrs.evolve(config, listeners=listeners, pools=pools)
