"""`open_toxiproxy`: what Toxiproxy's server does, for as long as a block of a trio test runs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, final

import attrs

from trio_balancer.config.model import BalancerConfig, Config
from trio_balancer.testing.harness import Harness
from trio_balancer.testing.open_balancer import open_balancer
from trio_balancer.testing.toxiproxy.addresses import LOOPBACK, ApiAddress
from trio_balancer.testing.toxiproxy.extra import check_toxiproxy_extra

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trio_balancer.testing.harness_config import ConfigOrBackends

#: A balancer without a listener: they come by the API.
NOBODY = Config(listeners={}, pools={}, balancer=BalancerConfig(faults=True))


@final
@attrs.frozen(eq=False)
class Toxiproxy:
    """A balancer that clients of Toxiproxy can talk to; `balancer` is what a test sees of it."""

    balancer: Harness
    host: str
    port: int

    @property
    def url(self) -> str:
        """Where clients find it, like "http://127.0.0.1:8474"."""
        return ApiAddress(self.host, self.port).url


@asynccontextmanager
async def open_toxiproxy(
    config_or_backends: ConfigOrBackends | None = None,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    seed: int | None = None,
) -> AsyncIterator[Toxiproxy]:
    """Run a balancer with Toxiproxy's HTTP API meanwhile, in this very trio loop.

    `config_or_backends` is as for `open_balancer`; without it there is no proxy in the beginning.
    Port 0 picks one. `seed` is what random choices come from, those of toxics included. The API
    is for real sockets: there is no virtual time.

    Raises what `open_balancer` does, also in the end; BindError for the API's own address;
    ConfigError without the extra `toxiproxy`.
    """
    check_toxiproxy_extra()
    config = NOBODY if config_or_backends is None else config_or_backends
    async with open_balancer(config, seed=seed) as balancer:
        address = await balancer.serve_toxiproxy(host, port)
        yield Toxiproxy(balancer, address.host, address.port)
