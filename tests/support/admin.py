"""The admin server around a balancer in memory: asked directly, or over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import attrs
import httpx
import trio
from support.world import World, make_config

from trio_balancer.config.model import Config
from trio_balancer.config.model_admin import AdminConfig
from trio_balancer.control.admin.app import make_app
from trio_balancer.control.admin.events import EventHub
from trio_balancer.control.admin.guard import Guard
from trio_balancer.control.admin.metrics import Metrics
from trio_balancer.control.admin.server import AdminServer, bind_admin
from trio_balancer.control.admin.shield import Shield
from trio_balancer.control.operations import Operations
from trio_balancer.wire.address import InetAddress, inet_address

TOKEN = "a-token-of-many-letters"  # noqa: S105 - of nothing
LOCAL = AdminConfig(bind=(inet_address("127.0.0.1", 0),))


@attrs.define(eq=False)
class Desk:
    """An admin app whose requests come from this machine, unless a test says otherwise."""

    world: World
    operations: Operations
    hub: EventHub
    metrics: Metrics
    app: Shield

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self._ask("GET", path, headers)

    async def post(self, path: str, body: object = None, **headers: str) -> httpx.Response:
        """Send JSON."""
        return await self._ask("POST", path, headers, body={} if body is None else body)

    async def send(self, path: str, content: bytes, **headers: str) -> httpx.Response:
        """Send any bytes as JSON."""
        typed = {"content_type": "application/json", **headers}
        return await self._ask("POST", path, typed, content=content)

    async def _ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        body: object = None,
        content: bytes | None = None,
        client: str = "127.0.0.1",
    ) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app, client=(client, 1234))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as asking:
            return await asking.request(method, path, headers=named, json=body, content=content)


async def open_desk(world: World, config: Config | None = None, admin: AdminConfig = LOCAL) -> Desk:
    """Run a balancer in memory, and put the admin app before it."""
    operations = Operations(await world.serve(make_config() if config is None else config))
    hub, metrics = EventHub(operations), Metrics(operations)
    operations.balancer.runtime.observe(metrics.histograms.add)
    await world.nursery.start(hub.run)
    app = make_app(operations, lambda: Guard.of(admin), hub, metrics)
    return Desk(world, operations, hub, metrics, app)


@attrs.define(eq=False)
class Site:
    """An admin server on a real port."""

    world: World
    operations: Operations
    server: AdminServer
    serving: trio.CancelScope = attrs.Factory(trio.CancelScope)

    @property
    def port(self) -> int:
        (address,) = self.server.addresses
        assert isinstance(address, InetAddress)
        return address.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def serve(self, server: AdminServer) -> None:
        """Have a server run until `stop_serving`, or until the end."""
        self.server = server
        self.serving = trio.CancelScope()
        self.world.nursery.start_soon(self._run)

    async def _run(self) -> None:
        with self.serving:
            await self.server.run(self.operations)

    def stop_serving(self) -> None:
        """End the server, and nothing else."""
        self.serving.cancel()


@asynccontextmanager
async def open_site(
    config: Config | None = None, admin: AdminConfig = LOCAL
) -> AsyncIterator[Site]:
    """Run a balancer in memory, in real time, and an admin server on a port of its own."""
    async with trio.open_nursery() as nursery:
        world = World(nursery)
        operations = Operations(await world.serve(make_config() if config is None else config))
        server = await bind_admin(admin)
        site = Site(world, operations, server)
        site.serve(server)
        yield site
        nursery.cancel_scope.cancel()
