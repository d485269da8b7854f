from __future__ import annotations

import re

import pytest
from support.filtered import Filtered, configured, receive
from trio.testing import wait_all_tasks_blocked

from trio_balancer.config.model_filters import DenyFilterConfig, Direction, Needle
from trio_balancer.network import PeerReset

WORD = Needle(b"DROP TABLE", 10)


async def assert_denied(it: Filtered, side: str) -> None:
    for peer in (it.client, it.backend):
        with pytest.raises(PeerReset):
            await peer.receive_some()
    assert it.ended == [(f"f denies what the {side} sent", False)]


@pytest.mark.parametrize("needle", [WORD, Needle(re.compile(b"(?i)drop +table"), 30)])
async def test_both_are_reset_and_the_end_of_the_match_does_not_pass(needle: Needle) -> None:
    async with configured(DenyFilterConfig("f", needle)) as it:
        await it.client.send_all(b"; DROP TA")
        assert await receive(it.backend, 9) == b"; DROP TA"
        await it.client.send_all(b"BLE users")
        await assert_denied(it, "client")
    assert it.pair.backend.sent == 9


async def test_what_the_backend_sends() -> None:
    async with configured(DenyFilterConfig("f", WORD)) as it:
        await it.backend.send_all(b"DROP TABLE")
        await assert_denied(it, "backend")


@pytest.mark.parametrize("direction", [Direction.FROM_CLIENT, Direction.FROM_BACKEND])
async def test_one_direction_only(direction: Direction) -> None:
    async with configured(DenyFilterConfig("f", WORD, direction)) as it:
        free = it.backend if direction.from_client else it.client
        await free.send_all(b"DROP TABLE")
        await wait_all_tasks_blocked()
        assert it.ended == []
        denied = it.client if direction.from_client else it.backend
        await denied.send_all(b"DROP TABLE")
        await wait_all_tasks_blocked()
        assert len(it.ended) == 1
