"""The dashboard as a person uses it, in a real browser."""

from __future__ import annotations

from support.admin import LOCAL, TOKEN
from support.browser import ENTER, Browser
from support.dashboard import (
    CHECKED,
    CONTRAST,
    FIRST,
    LIVE,
    SECOND,
    button,
    dashboard,
    shown_state,
    states,
)
from support.world import OTHER, finish, make_config

from trio_balancer.config.model_admin import AdminConfig
from trio_balancer.control.admin.probes import why_not_ready
from trio_balancer.control.admin.server import bind_admin
from trio_balancer.policy import State
from trio_balancer.wire.address import inet_address


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


async def test_who_is_still_where_a_reload_has_removed_a_backend(chrome: Browser) -> None:
    async with dashboard(chrome) as site:
        await chrome.until(f"{shown_state(FIRST)} === 'up'")
        client = await site.world.client()
        await site.operations.balancer.reload(make_config(backends=(OTHER,), more=CHECKED))
        await chrome.until("!document.querySelector('#attention').hidden")
        assert f"{FIRST} was removed 1 connection still open" in await chrome.text("#attention")
        await finish(client)
        await chrome.until("document.querySelector('#attention').hidden")


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


async def test_the_api_has_a_page(chrome: Browser) -> None:
    async with dashboard(chrome) as site:
        await chrome.open(f"{site.url}/api/docs", width=375)
        await chrome.until("document.querySelectorAll('.operation').length === 15")
        assert "/api/pools/{pool}/backends/{backend}/drain" in await chrome.text("#groups")
        assert await chrome.js("return document.documentElement.scrollWidth") <= 375
        found = await chrome.js(CONTRAST)
        assert found["poor"] == []
        assert found["seen"] > 100
