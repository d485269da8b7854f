"""The dashboard can be read and used: on any screen, in the dark, without a mouse."""

from __future__ import annotations

import pytest
from support.browser import ENTER, TAB, Browser
from support.dashboard import (
    CONTRAST,
    FIRST,
    HOSTILE,
    LIVE,
    SECOND,
    button,
    dashboard,
    many_backends,
    shown_state,
    states,
)
from support.world import finish

from trio_balancer.policy import State


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
