from __future__ import annotations

import math
import re

import pytest
import trio
from support.filtered import BUFFER, configured, receive, receive_to_end, say
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.config.model_filters import Direction, Needle, ReplaceFilterConfig

CAT_TO_DOG = ReplaceFilterConfig("f", Needle(b"cat", 3), b"dog")


async def test_across_a_border_in_both_directions() -> None:
    async with configured(CAT_TO_DOG) as it:
        for piece in (b"a c", b"at and a ca"):
            await it.client.send_all(piece)
            await wait_all_tasks_blocked()
        await say(it.client, b"r")
        assert await receive_to_end(it.backend) == b"a dog and a car"
        await say(it.backend, b"concat")
        assert await receive_to_end(it.client) == b"condog"


@pytest.mark.parametrize("direction", [Direction.FROM_CLIENT, Direction.FROM_BACKEND])
async def test_one_direction_only(direction: Direction) -> None:
    config = ReplaceFilterConfig("f", Needle(b"cat", 3), b"dog", direction)
    async with configured(config) as it:
        await say(it.client, b"cat ca")
        await say(it.backend, b"cat ca")
        up, down = await receive_to_end(it.backend), await receive_to_end(it.client)
    assert (up == b"dog ca", down == b"dog ca") == (direction.from_client, direction.from_backend)
    assert {up, down} == {b"dog ca", b"cat ca"}


async def test_a_regular_expression_with_a_template() -> None:
    needle = Needle(re.compile(rb"(\w+)@example\.com"), 64)
    async with configured(ReplaceFilterConfig("f", needle, rb"<\1>")) as it:
        await say(it.client, b"mail to joe@exam", b"ple.com, please")
        assert await receive_to_end(it.backend) == b"mail to <joe>, please"


async def test_nothing_is_held_for_long(autojump_clock: MockClock) -> None:
    # Both wait for each other: the one has asked "cat", or was it the beginning of "category"?
    needle = Needle(b"category", 8)
    async with configured(ReplaceFilterConfig("f", needle, b"-", max_hold=0.2)) as it:
        start = trio.current_time()
        await it.client.send_all(b"cat")
        assert await receive(it.backend, 3) == b"cat"
        assert trio.current_time() - start == pytest.approx(0.2)
        await it.backend.send_all(b"cat")
        assert await receive(it.client, 3) == b"cat"


async def test_unless_that_is_wanted(autojump_clock: MockClock) -> None:
    config = ReplaceFilterConfig("f", Needle(b"category", 8), b"-", max_hold=math.inf)
    async with configured(config) as it:
        await it.client.send_all(b"cat")
        await trio.sleep(3600)
        assert not it.backend.has_unread()
        await it.client.send_all(b"egory")
        assert await receive(it.backend, 1) == b"-"


async def test_memory_stays_bounded_where_bytes_become_many() -> None:
    config = ReplaceFilterConfig("f", Needle(b"a", 1), b"b" * 4096)
    async with configured(config) as it, trio.open_nursery() as nursery:
        nursery.start_soon(say, it.client, b"a" * 2000)
        await wait_all_tasks_blocked()
        # What was read became at most filter_buffer, and waits for the backend.
        assert it.pair.client.received <= BUFFER // 4096
        assert await receive_to_end(it.backend) == b"b" * 4096 * 2000
