"""Pictures of the dashboard at work, for people to look at, and for the documentation.

`TRIO_BALANCER_SCREENSHOTS=docs/screenshots` keeps them, after enough minutes of traffic for plots
that are full; otherwise they only have to be taken.
"""

from __future__ import annotations

import math
import os
import random
from pathlib import Path

import pytest
import trio
from support.admin import Site, open_site
from support.browser import Browser, chromium
from support.world import OPTIONS, make_config

from trio_balancer import parse_config
from trio_balancer.config.model import Config
from trio_balancer.network.seam import PeerReset
from trio_balancer.testing import MemoryStream
from trio_balancer.wire.address import InetAddress, inet_address

KEPT = os.environ.get("TRIO_BALANCER_SCREENSHOTS")
SECONDS = 310 if KEPT else 1
WEB, MAIL = inet_address("10.0.0.1", 443), inet_address("10.0.0.1", 25)
PNG = b"\x89PNG\r\n"
CHECKS = 'interval = "500ms"\nfall = 2\n'


def few_backends() -> Config:
    return parse_config(
        f"""
[balancer]
max_connections = 4000
[listeners.web]
bind = ["{WEB}", "[fd00::1]:443"]
pool = "shop"
max_connections = 1000
[listeners.mail]
bind = "{MAIL}"
pool = "mail"
[pools.shop]
policy = "least-connections"
required = true
[pools.shop.health]
{CHECKS}
{_backends("shop", "10.0.1.", 5)}
[pools.mail]
[pools.mail.health]
{CHECKS}
{_backends("mail", "10.0.2.", 3)}
"""
    )


def many_backends() -> Config:
    return make_config(
        backends=(),
        listener=f'\n[listeners.shop]\nbind = "{WEB}"\npool = "app"',
        more=f"[pools.app.health]\n{CHECKS}" + _backends("app", "10.0.1.", 200),
    )


def _backends(pool: str, network: str, count: int) -> str:
    return "".join(
        f'[[pools.{pool}.backends]]\nname = "{pool}-{number:02d}"\n'
        f'address = "{network}{number}:80"\nmax_connections = 40\n'
        for number in range(1, count + 1)
    )


class Traffic:
    """Backends that answer in their own time, one that does not, and clients that come and go."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.rng = random.Random(11)

    async def start(self) -> None:
        for pool in self.site.world.runtime.pools.values():
            for number, backend in enumerate(pool.backends):
                address = backend.address
                assert isinstance(address, InetAddress)
                listening = number % 41 != 2
                await self.site.world.server(address, self._answer, listening=listening)
        self.site.world.nursery.start_soon(self._clients)

    async def _answer(self, stream: MemoryStream) -> None:
        while await stream.receive_some():
            await trio.sleep(self.rng.expovariate(50))
            await stream.send_all(bytes(self.rng.choice((400, 3000, 50_000))))
        stream.close()

    async def _clients(self) -> None:
        while True:
            wave = 1 + math.sin(trio.current_time() / 20)
            self.site.world.nursery.start_soon(self._client)
            await trio.sleep(self.rng.expovariate(3 + 6 * wave))

    async def _client(self) -> None:
        listeners = self.site.operations.balancer.addresses.values()
        address = self.rng.choice([addresses[0] for addresses in listeners])
        stream = await self.site.world.network.connect(address, options=OPTIONS)
        try:
            await self._talk(stream)
        except PeerReset:
            stream.close()

    async def _talk(self, stream: MemoryStream) -> None:
        for _ in range(self.rng.randint(1, 12)):
            await stream.send_all(bytes(self.rng.randint(50, 4000)))
            await stream.receive_some()
            await trio.sleep(self.rng.expovariate(2))
        if self.rng.random() < 0.04:
            stream.reset()
            return
        await stream.send_eof()
        while await stream.receive_some():
            pass
        stream.close()


async def take(chrome: Browser, site: Site, folder: Path, name: str) -> None:
    width, height = (375, 1600) if name == "phone" else (1280, 1180)
    await chrome.open(site.url, width=width, height=height, dark=name in {"dark", "two-hundred"})
    await chrome.until("document.querySelector('#link').dataset.state === 'live'")
    await chrome.until("document.querySelectorAll('#ending-rows tr').length > 3", within=30)
    picture = await chrome.screenshot(folder / f"{name}.png")
    assert picture.startswith(PNG)
    assert await chrome.leave() == []


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("config", "names"),
    [(few_backends(), ("light", "dark", "phone")), (many_backends(), ("two-hundred",))],
    ids=["few", "many"],
)
async def test_pictures_are_taken(config: Config, names: tuple[str, ...], tmp_path: Path) -> None:
    folder = Path(KEPT) if KEPT else tmp_path
    with chromium() as chrome:
        async with open_site(config) as site:
            await Traffic(site).start()
            await trio.sleep(SECONDS)  # what is shown is the traffic of this time
            site.operations.drain(*_one_of(site))
            for name in names:
                await take(chrome, site, folder, name)


def _one_of(site: Site) -> tuple[str, str]:
    pool = next(iter(site.world.runtime.pools.values()))
    return pool.name, pool.backends[3].name
