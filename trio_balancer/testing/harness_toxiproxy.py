"""Toxiproxy's HTTP API for a balancer under test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.network import SocketNetwork
from trio_balancer.network.real_time import check_real_time
from trio_balancer.testing.toxiproxy.addresses import ApiAddress
from trio_balancer.testing.toxiproxy.extra import check_toxiproxy_extra
from trio_balancer.testing.toxiproxy.proxies import Proxies

if TYPE_CHECKING:
    from trio_balancer.testing.runner import Runner


async def serve_toxiproxy(runner: Runner, host: str, port: int) -> ApiAddress:
    """Serve until the balancer ends; returns the real address, raises BindError.

    Raises ConfigError without the extra `toxiproxy`, RuntimeError under a MockClock: its clients
    come over real sockets.
    """
    check_toxiproxy_extra()
    check_real_time(SocketNetwork())
    from trio_balancer.testing.toxiproxy.server import serve_api  # noqa: PLC0415 - needs the extra

    proxies = Proxies(runner.balancer)
    bound: ApiAddress = await runner.nursery.start(serve_api, proxies, ApiAddress(host, port))
    return bound
