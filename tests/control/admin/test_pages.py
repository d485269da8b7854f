from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.admin import open_desk
from support.world import World
from trio.testing import MockClock

import trio_balancer.control.admin

FOLDER = Path(trio_balancer.control.admin.__file__).parent / "dashboard"
FILES = sorted(FOLDER.iterdir())
TEXTS = {path.name: path.read_text() for path in FILES}


@pytest.mark.parametrize("name", TEXTS)
async def test_every_file_is_served(autojump_clock: MockClock, world: World, name: str) -> None:
    desk = await open_desk(world)
    answer = await desk.get(f"/static/{name}")
    assert answer.text == TEXTS[name]
    assert answer.headers["content-type"].startswith(("text/", "image/svg+xml"))
    assert answer.headers["cache-control"] == "no-cache"


async def test_what_has_not_changed_is_not_sent_again(
    autojump_clock: MockClock, world: World
) -> None:
    desk = await open_desk(world)
    tag = (await desk.get("/")).headers["etag"]
    answer = await desk.get("/", if_none_match=tag)
    assert (answer.status_code, answer.content) == (304, b"")
    assert (await desk.get("/static/main.js", if_none_match=tag)).status_code == 200


@pytest.mark.parametrize("name", ["none.js", "..%2Fapp.py", "%2e%2e/app.py"])
async def test_nothing_else_is(autojump_clock: MockClock, world: World, name: str) -> None:
    desk = await open_desk(world)
    assert (await desk.get(f"/static/{name}")).status_code == 404


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_comes_from_elsewhere(name: str) -> None:
    elsewhere = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", TEXTS[name])
    # The name of SVG is no address that anybody asks for.
    assert [each for each in elsewhere if "www.w3.org" not in each] == []


@pytest.mark.parametrize("name", [name for name in TEXTS if name.endswith(".js")])
def test_text_never_becomes_markup(name: str) -> None:
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function"
    assert re.findall(forbidden, TEXTS[name]) == []


@pytest.mark.parametrize("name", [name for name in TEXTS if name.endswith(".html")])
def test_no_script_or_style_within_a_page(name: str) -> None:
    assert re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", TEXTS[name]) == []


def test_imports_and_links_lead_to_files() -> None:
    asked = {
        each
        for text in TEXTS.values()
        for each in re.findall(r"(?:from \"\./|/static/)([\w.]+)\"", text)
    }
    assert asked <= set(TEXTS)
    assert {name for name in TEXTS if not name.endswith(".html")} <= asked
