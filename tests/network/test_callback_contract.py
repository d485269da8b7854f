"""Whom `call_on_reset` calls: over memory, TCP on IPv4 and IPv6, and Unix sockets alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest
import trio
from support.eventually import eventually
from trio.testing import wait_all_tasks_blocked

from trio_balancer.network import PeerReset, Stream

if TYPE_CHECKING:
    pass


class Pairs(Protocol):
    async def connect(self) -> tuple[Stream, Stream]: ...
    async def connect_clogged(self) -> tuple[Stream, Stream]: ...


async def test_reset_behind_a_clogged_direction_is_called_back(tcp_pairs: Pairs) -> None:
    client, server = await tcp_pairs.connect_clogged()
    called = trio.Event()
    server.call_on_reset(called.set)
    client.reset()
    with trio.fail_after(10):
        await called.wait()
    assert server.has_unread()


async def test_earlier_reset_is_called_back_later(tcp_pairs: Pairs) -> None:
    client, server = await tcp_pairs.connect()
    called = trio.Event()
    client.reset()
    server.call_on_reset(called.set)
    assert not called.is_set()
    with trio.fail_after(10):
        await called.wait()


async def test_reset_that_was_told_is_not_called_back(tcp_pairs: Pairs) -> None:
    client, server = await tcp_pairs.connect()
    client.reset()
    with pytest.raises(PeerReset):
        await server.receive_some()
    told: list[bool] = []
    server.call_on_reset(lambda: told.append(True))
    await wait_all_tasks_blocked()
    assert not told


async def test_reset_is_called_back_once_and_only_to_the_last_wish(tcp_pairs: Pairs) -> None:
    client, server = await tcp_pairs.connect()
    told: list[str] = []
    server.call_on_reset(lambda: told.append("first"))
    server.call_on_reset(lambda: told.append("second"))
    client.reset()
    await eventually(lambda: bool(told))
    await wait_all_tasks_blocked()
    assert told == ["second"]


@pytest.mark.parametrize("before", [True, False])
async def test_wish_can_be_taken_back(tcp_pairs: Pairs, before: bool) -> None:  # noqa: FBT001
    client, server = await tcp_pairs.connect()
    told: list[bool] = []
    server.call_on_reset(lambda: told.append(True))
    if before:
        server.call_on_reset(None)
    client.reset()
    server.call_on_reset(None)
    await wait_all_tasks_blocked()
    assert not told


async def test_ends_of_file_are_not_called_back(pairs: Pairs) -> None:
    client, server = await pairs.connect()
    told: list[bool] = []
    server.call_on_reset(lambda: told.append(True))
    await client.send_eof()
    assert await server.receive_some() == b""
    await wait_all_tasks_blocked()
    await server.send_eof()
    assert await client.receive_some() == b""
    await wait_all_tasks_blocked()
    client.close()
    await wait_all_tasks_blocked()
    assert not told
