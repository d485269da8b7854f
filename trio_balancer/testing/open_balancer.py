"""`open_balancer`: a balancer for as long as a block of a trio test runs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from trio_balancer.testing.conclusion import conclude
from trio_balancer.testing.harness import Harness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from trio_balancer.network.seam import Network
    from trio_balancer.testing.harness_config import ConfigOrBackends


@asynccontextmanager
async def open_balancer(
    config_or_backends: ConfigOrBackends = (),
    *,
    network: Network | None = None,
    seed: int | None = None,
    overrides: Sequence[str] = (),
) -> AsyncIterator[Harness]:
    """Run a balancer meanwhile, in this very trio loop.

    `config_or_backends` is a `Config`, TOML text, the path of a file or a dict; or the backends'
    addresses, `("127.0.0.1", 9001)` or `"127.0.0.1:9001"`, which get a listener on a free port
    and a round-robin pool without health checks. `overrides` are `KEY=VALUE` texts, as for
    `--set`. `network` is where connections come from and go to: the kernel's sockets, unless it
    is a `MemoryNetwork`, which a test under a MockClock needs. `seed` is what random choices come
    from. The log goes to `Harness.log`, whatever the configuration says.

    In the block it serves: the ports are bound and held, and each backend was checked once. After
    it nothing is left: connections are reset, tasks have ended. What the block raises leaves it as
    it is, not in a group. Nothing global is touched: no signal, no limit, no garbage collector.

    Raises ConfigError or BindError when it cannot serve, RuntimeError for real sockets under a
    MockClock. In the end, where the block itself did not fail (else as notes to its error):
    LeakError when something is left behind, BalancerBugError for a bug that ended a connection,
    or whatever else has ended the balancer.
    """
    harness = Harness(config_or_backends, network=network, seed=seed, overrides=overrides)
    await harness.start()
    try:
        yield harness
    except BaseException as error:
        conclude(await harness.stop(), error)
        raise
    conclude(await harness.stop(), None)
