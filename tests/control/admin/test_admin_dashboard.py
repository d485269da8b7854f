"""The dashboard as a person uses it, in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support import browser as browser_module
from support.admin import LOCAL, TOKEN, Site, open_site
from support.browser import ENTER, TAB, Browser, chromium
from support.world import BACKEND, OTHER, finish, make_config

from trio_balancer.config.model import Config
from trio_balancer.config.model_admin import AdminConfig
from trio_balancer.control.admin.probes import why_not_ready
from trio_balancer.control.admin.server import bind_admin
from trio_balancer.policy import State
from trio_balancer.wire.address import inet_address

CONTRAST = Path(browser_module.__file__).with_name("contrast.js").read_text()
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


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


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
        await chrome.open(site.url, width=width, dark=dark)
        await chrome.until("document.querySelector('#pool-list, dialog[open]')")
        yield site
        assert [each for each in await chrome.leave() if allowed not in each] == []


def states(site: Site) -> list[State]:
    return [backend.state for backend in site.world.runtime.pools["app"].backends]


async def test_shows_a_backend_going_down_within_two_seconds(chrome: Browser) -> None:
    async with dashboard(chrome) as site:
        await chrome.until(f"{shown_state(FIRST)} === 'up'")
        site.world.servers[0].stop()
        await chrome.until(f"{shown_state(FIRST)} === 'down'", within=2)
        assert "Connection refused" in await chrome.text("#attention")
        assert f"{FIRST} is down" in await chrome.text("#attention")
        assert await chrome.js("return document.title") == "(1 down) trio-balancer"
        await site.world.servers[0].start()
        await chrome.until("document.querySelector('#attention').hidden", within=2)


async def test_drains_a_backend_at_a_click_and_takes_it_back(chrome: Browser) -> None:
    async with dashboard(chrome) as site:
        await chrome.until(f"{shown_state(FIRST)} === 'up'")
        await chrome.click(button("Drain", FIRST))
        await chrome.until(f"{shown_state(FIRST)} === 'drain'", within=2)
        assert states(site) == [State.DRAIN, State.UP]
        await chrome.click(".toast button")
        await chrome.until(f"{shown_state(FIRST)} === 'up'", within=2)
        assert states(site) == [State.UP, State.UP]


async def test_maintenance_and_ready(chrome: Browser) -> None:
    async with dashboard(chrome) as site:
        await chrome.until(f"{shown_state(FIRST)} === 'up'")
        await chrome.click(button("Maintenance", FIRST))
        await chrome.until(f"{shown_state(FIRST)} === 'maintenance'")
        assert states(site) == [State.MAINTENANCE, State.UP]
        await chrome.click(button("Ready", FIRST))
        await chrome.until(f"{shown_state(FIRST)} === 'up'")


async def test_asks_before_the_last_backend_is_taken_away(chrome: Browser) -> None:
    async with dashboard(chrome) as site:
        await chrome.until(f"{shown_state(SECOND)} === 'up'")
        await chrome.click(button("Maintenance", FIRST))
        await chrome.until(f"{shown_state(FIRST)} === 'maintenance'")
        await chrome.click(button("Drain", SECOND))
        await chrome.until("document.querySelector('#ask').open")
        assert "only one in app that is up" in await chrome.text("#ask")
        await chrome.click('#ask button[value="no"]')
        await chrome.until("!document.querySelector('#ask').open")
        assert states(site)[1] is State.UP
        await chrome.click(button("Drain", SECOND))
        await chrome.click("#ask-yes")
        await chrome.until(f"{shown_state(SECOND)} === 'drain'")


async def test_asks_before_it_stops(chrome: Browser) -> None:
    async with dashboard(chrome) as site:
        client = await site.world.client()
        await chrome.until("document.querySelector('#serving').textContent === 'Serving'")
        await chrome.click("#stop")
        assert "Nothing on this page can start it again" in await chrome.text("#ask")
        await chrome.press(ENTER)  # on Cancel, where the focus is
        assert why_not_ready(site.operations.balancer) == []
        await chrome.click("#stop")
        await chrome.click("#ask-yes")
        await chrome.until("document.querySelector('#serving').textContent === 'Draining'")
        assert why_not_ready(site.operations.balancer) == ["the balancer is stopping"]
        await finish(client)


async def test_a_failure_is_told(chrome: Browser) -> None:
    async with dashboard(chrome, allowed="status of 409"):
        await chrome.until(LIVE)
        await chrome.until(f"{shown_state(FIRST)} === 'up'")
        await chrome.click("#reload")
        await chrome.click("#ask-yes")
        await chrome.until("document.querySelector('.toast.bad')")
        assert await chrome.text(".toast.bad") == "there is no file to reload"


async def test_endings_come_as_they_happen(chrome: Browser) -> None:
    async with dashboard(chrome) as site:
        await chrome.until(LIVE)
        await finish(await site.world.client())
        await chrome.until("document.querySelector('#ending-rows tr')", within=2)
        row = await chrome.text("#ending-rows tr")
        assert "both sides finished" in row
        assert FIRST in row
        await chrome.click("#only-problems")
        await chrome.until("!document.querySelector('#ending-rows tr')")
        await chrome.click("#only-problems")
        await chrome.click("#pause")
        await finish(await site.world.client())
        await chrome.until("document.querySelector('#plots').textContent.includes('2 accepted')")
        assert await chrome.js("return document.querySelectorAll('#ending-rows tr').length") == 1


async def test_says_when_the_connection_is_lost_and_comes_back(chrome: Browser) -> None:
    async with dashboard(chrome, allowed="ERR_") as site:
        await chrome.until(LIVE)
        address = inet_address("127.0.0.1", site.port)
        site.stop_serving()
        await chrome.until("!document.querySelector('#lost').hidden", within=3)
        assert "What you see is old" in await chrome.text("#lost")
        assert (await chrome.js(CONTRAST))["poor"] == []
        again = await bind_admin(AdminConfig((address,)))
        site.serve(again)
        await chrome.click("#lost-retry")
        await chrome.until(LIVE, within=3)
        assert await chrome.js("return document.querySelector('#lost').hidden")


async def test_asks_for_the_token(chrome: Browser) -> None:
    locked = AdminConfig(LOCAL.bind, token=TOKEN)
    async with dashboard(chrome, admin=locked, allowed="status of 401"):
        await chrome.until("document.querySelector('#ask').open")
        await chrome.type("#ask-token input", "wrong" + ENTER)
        await chrome.until("document.querySelector('#ask').open")
        await chrome.type("#ask-token input", TOKEN)
        await chrome.click("#ask-yes")
        await chrome.until(LIVE)
        await chrome.until(f"{shown_state(FIRST)} === 'up'")
        await chrome.click(button("Drain", FIRST))
        await chrome.until(f"{shown_state(FIRST)} === 'drain'")


@pytest.mark.parametrize("width", [320, 375, 768, 1100, 1440])
async def test_nothing_scrolls_sideways(chrome: Browser, width: int) -> None:
    async with dashboard(chrome, many_backends(), width=width) as site:
        await site.world.client()  # no backend is there, so its connection ends at once
        await chrome.until("document.querySelectorAll('.backends tbody tr').length === 200")
        await chrome.until("document.querySelector('#ending-rows tr')")
        assert await chrome.js("return document.documentElement.scrollWidth") <= width
        sticking_out = """
            return [...document.querySelectorAll("body *")]
              .filter((each) => each.checkVisibility())
              .filter((each) => !each.closest(".unseen, thead, .skip, svg"))
              .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
              .map((each) => each.className || each.tagName)"""
        assert await chrome.js(sticking_out) == []


async def test_names_are_text(chrome: Browser) -> None:
    async with dashboard(chrome, many_backends()):
        await chrome.until("document.querySelectorAll('.backends tbody tr').length === 200")
        names = await chrome.js(
            "return [...document.querySelectorAll('.name span')].map((each) => each.textContent)"
        )
        assert HOSTILE in names
        assert await chrome.js("return document.querySelectorAll('main img').length") == 0
        assert await chrome.js("return window.hacked ?? null") is None


async def test_finds_one_of_two_hundred(chrome: Browser) -> None:
    async with dashboard(chrome, many_backends()) as site:
        await chrome.until("document.querySelectorAll('.backends tbody tr').length === 200")
        site.operations.drain("app", "backend-150")
        await chrome.press("/")
        await chrome.press("drain 150")
        await chrome.until("document.querySelectorAll('.backends tbody tr').length === 1")
        assert await chrome.text("#found") == "1 of 200 backends"
        await chrome.js("document.querySelector('#search').value = 'nobody'")
        await chrome.type("#search", "!")
        assert await chrome.text("#found") == "No backend is like that."
        await chrome.js("document.querySelector('#search').value = ''")
        await chrome.click("#chips button:nth-child(5)")
        await chrome.until("document.querySelectorAll('.backends tbody tr').length === 1")


async def test_sorts(chrome: Browser) -> None:
    first = "document.querySelector('.backends tbody tr .name').textContent"
    async with dashboard(chrome, many_backends()) as site:
        site.operations.drain("app", "backend-150")
        await chrome.until(f"{first}.includes('backend-150')")
        await chrome.js(
            "const sort = document.querySelector('#sort'); sort.value = 'name';"
            "sort.dispatchEvent(new Event('change'))"
        )
        await chrome.until(f"{first}.includes('hacked')")


async def test_tab_reaches_every_button(chrome: Browser) -> None:
    async with dashboard(chrome):
        await chrome.until(f"{shown_state(FIRST)} === 'up'")
        wanted = await chrome.js(
            "return [...document.querySelectorAll('button, a, input, select, summary')]"
            ".filter((each) => each.checkVisibility()).map((each, index) => {"
            " each.dataset.index = index; return String(index); })"
        )
        reached = []
        for _ in range(len(wanted) + 2):
            await chrome.press(TAB)
            reached.append(
                await chrome.js(
                    "const focused = document.activeElement;"
                    "const style = getComputedStyle(focused);"
                    "return [focused.dataset.index ?? null, style.outlineStyle, style.outlineWidth]"
                )
            )
        assert {index for index, _style, _width in reached if index is not None} == set(wanted)
        focus = {(style, width) for index, style, width in reached if index is not None}
        assert focus == {("solid", "3px")}


async def test_works_without_a_mouse(chrome: Browser) -> None:
    async with dashboard(chrome) as site:
        await chrome.until(f"{shown_state(FIRST)} === 'up'")
        await chrome.js(f"document.querySelector('{button('Drain', FIRST)}').focus()")
        await chrome.press(ENTER)
        await chrome.until(f"{shown_state(FIRST)} === 'drain'")
        assert states(site)[0] is State.DRAIN
        # The button is gone, and the keyboard goes on at the next one of this backend.
        focused = await chrome.js("return document.activeElement.getAttribute('aria-label')")
        assert focused == f"Ready {FIRST}"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
async def test_every_text_can_be_read(chrome: Browser, width: int, *, dark: bool) -> None:
    async with dashboard(chrome, width=width, dark=dark) as site:
        await chrome.until(f"{shown_state(FIRST)} === 'up'")
        await finish(await site.world.client())
        site.world.servers[0].stop()
        await chrome.until(f"{shown_state(FIRST)} === 'down'")
        await chrome.click(button("Maintenance", FIRST))
        await chrome.until(f"{shown_state(FIRST)} === 'maintenance'")
        await chrome.until("document.querySelector('#ending-rows tr')")
        found = await chrome.js(CONTRAST)
        assert found["poor"] == []
        assert found["seen"] > 60
        await chrome.click(button("Drain", SECOND))
        await chrome.until("document.querySelector('#ask').open")
        assert (await chrome.js(CONTRAST))["poor"] == []


async def test_the_theme_can_be_chosen(chrome: Browser) -> None:
    theme = "document.documentElement.dataset.theme"
    async with dashboard(chrome, dark=True) as site:
        await chrome.until(f"{theme} === 'dark'")
        await chrome.click("#theme")
        await chrome.until(f"{theme} === 'light'")
        await chrome.js("location.reload()")
        await chrome.until(f"{theme} === 'light'")
        assert await chrome.text("#theme") == "Theme: light"
        await chrome.until(LIVE)
        assert site.operations.balancer.ready


async def test_the_api_has_a_page(chrome: Browser) -> None:
    async with dashboard(chrome) as site:
        await chrome.open(f"{site.url}/api/docs", width=375)
        await chrome.until("document.querySelectorAll('.operation').length === 15")
        assert "/api/pools/{pool}/backends/{backend}/drain" in await chrome.text("#groups")
        assert await chrome.js("return document.documentElement.scrollWidth") <= 375
        found = await chrome.js(CONTRAST)
        assert found["poor"] == []
        assert found["seen"] > 100
