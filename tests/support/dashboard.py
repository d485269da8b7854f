"""The dashboard of a running balancer, open in a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from support.admin import LOCAL, Site, open_site
from support.browser import Browser
from support.world import BACKEND, OTHER, make_config

from trio_balancer.config.model import Config
from trio_balancer.config.model_admin import AdminConfig
from trio_balancer.policy import State

CONTRAST = Path(__file__).with_name("contrast.js").read_text()
CHECKED = '[pools.app.health]\ninterval = "200ms"\nfall = 1\nrise = 1\n'
TWO = make_config(backends=(BACKEND, OTHER), more=CHECKED)
HOSTILE = "<img><script>window.hacked=1<script>"
LIVE = "document.querySelector('#link').dataset.state === 'live'"
FIRST, SECOND = f"app/{BACKEND}", f"app/{OTHER}"


def many_backends() -> Config:
    """Write two hundred backends, some with names that no layout likes."""
    names = ["a-very-long-name-" * 6, HOSTILE, *(f"backend-{number:03d}" for number in range(198))]
    tables = [
        f'[[pools.app.backends]]\nname = "{name}"\naddress = "10.0.2.1:{port}"\n'
        for port, name in enumerate(names, 1000)
    ]
    health = '[pools.app.health]\ntype = "none"\n'
    return make_config(backends=(), more=health + "".join(tables))


def button(verb: str, backend: str) -> str:
    return f'button[aria-label="{verb} {backend}"]'


def shown_state(backend: str) -> str:
    """Write the expression for the state that is shown of a backend."""
    drain = button("Drain", backend)
    return f"document.querySelector('{drain}').closest('tr').dataset.state"


@asynccontextmanager
async def dashboard(
    chrome: Browser,
    config: Config = TWO,
    admin: AdminConfig = LOCAL,
    *,
    width: int = 1280,
    dark: bool = False,
    allowed: str = "nothing at all",
) -> AsyncIterator[Site]:
    """Open the dashboard of a running balancer; the page may cause no error, but `allowed` ones."""
    async with open_site(config, admin) as site:
        for address in (BACKEND, OTHER):
            await site.world.server(address)
        # Not one after the other: the last one that is up is not taken away without a question.
        await site.world.until(lambda: all(state is State.UP for state in _states_of_ours(site)))
        await chrome.open(site.url, width=width, dark=dark)
        await chrome.until("document.querySelector('#pool-list, dialog[open]')")
        yield site
        assert [each for each in await chrome.leave() if allowed not in each] == []


def _states_of_ours(site: Site) -> list[State]:
    """List the states of the backends that have a server."""
    backends = site.world.runtime.pools["app"].backends
    return [backend.state for backend in backends if backend.address in {BACKEND, OTHER}]


def states(site: Site) -> list[State]:
    return [backend.state for backend in site.world.runtime.pools["app"].backends]
