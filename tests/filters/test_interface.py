from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
from support.filtered import INFO, joined, lone_connection, receive, receive_to_end, say
from trio.testing import wait_all_tasks_blocked

from trio_balancer.filters import Filter, FilteredConnection, HoldFullError


def test_a_filter_passes_everything_on() -> None:
    made = Filter(lone_connection())
    assert made.from_client(b"up") == b"up"
    assert made.from_backend(b"down") == b"down"
    nothing = (made.client_finished, made.backend_finished, made.client_quiet, made.backend_quiet)
    assert [method() for method in nothing] == [b"", b"", b"", b""]
    made.closed()
    assert made.connection.info is INFO


def test_a_connection_passes_replies_and_ends_on() -> None:
    told: list[object] = []

    def tell(what: object) -> bool:
        told.append(what)
        return True

    connection = FilteredConnection(INFO, 10, tell, lambda _: False, told.append)
    assert connection.reply_to_client(b"down")
    assert not connection.reply_to_backend(b"up")
    connection.end("x" * 1000)
    assert told == [b"down", "x" * 200]


def test_its_buffers_are_bounded() -> None:
    hold = lone_connection(buffer=2).hold()
    with pytest.raises(HoldFullError):
        hold.add(b"abc")


def documented() -> list[dict[str, type[Filter]]]:
    """Run each Python example of the documentation; returns what it defines."""
    text = (Path(__file__).parents[2] / "docs/filters.md").read_text()
    found = []
    for example in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        names: dict[str, type[Filter]] = {}
        exec(example, names)  # noqa: S102 - our own documentation
        found.append(names)
    return found


async def test_the_example_that_greets() -> None:
    greeting = partial(documented()[0]["Greeting"], name="Ada")  # type: ignore[call-arg]  # its own
    async with joined(greeting) as it:
        await it.client.send_all(b"my colour")
        assert await receive(it.backend, 8) == b"my color"
        assert await receive(it.client, 15) == b"Hello from Ada\n"
        await it.client.send_all(b"quit")
        await wait_all_tasks_blocked()
    assert it.ended == [("the client wants to quit", False)]


async def test_the_example_that_holds() -> None:
    async with joined(documented()[1]["WholeLines"]) as it:
        for piece in (b"one", b"\ntwo\nth"):
            await it.client.send_all(piece)
            await wait_all_tasks_blocked()
        assert await it.backend.receive_some() == b"one\ntwo\n"
        await say(it.client)
        assert await receive_to_end(it.backend) == b"th"
