"""A TLS leg joined to a plain one: what the ends of either become on the other."""

from __future__ import annotations

import ssl
from pathlib import Path

import attrs
import pytest
import trio
from support.tls import VERSIONS, Rig, half_close, memory_ends
from trio.testing import wait_all_tasks_blocked

from trio_balancer.network.tls_stream import TlsStream
from trio_balancer.relay import Outcome, Pair, copy
from trio_balancer.testing import MemoryStream


@attrs.define(eq=False)
class Joined:
    """A TLS client and a plain backend, which a test plays, and how their ways ended."""

    client: TlsStream
    backend: MemoryStream
    pair: Pair
    up: Outcome | None = None
    down: Outcome | None = None

    async def run_up(self) -> None:
        self.up = await copy(self.pair.up)

    async def run_down(self) -> None:
        self.down = await copy(self.pair.down)


@pytest.fixture(params=VERSIONS)
async def joined(request: pytest.FixtureRequest, tmp_path: Path, nursery: trio.Nursery) -> Joined:
    version: ssl.TLSVersion = request.param
    client, leg = await Rig(tmp_path, version).connect()
    plain, backend = memory_ends()
    made = Joined(client, backend, Pair(leg, plain))
    nursery.start_soon(made.run_up)
    nursery.start_soon(made.run_down)
    return made


async def test_the_backends_fin_becomes_a_close_notify_and_ends_both_ways(joined: Joined) -> None:
    await joined.client.send_all(b"question")
    assert await joined.backend.receive_some() == b"question"
    await joined.backend.send_all(b"answer")
    await joined.backend.send_eof()
    assert await joined.client.receive_some() == b"answer"
    assert await joined.client.receive_some() == b""
    assert await joined.backend.receive_some() == b""
    await wait_all_tasks_blocked()
    assert joined.up is joined.down is Outcome.FINISHED


async def test_the_clients_close_notify_becomes_a_fin_and_the_answer_goes_on(
    joined: Joined,
) -> None:
    await joined.client.send_all(b"question")
    await half_close(joined.client)
    assert await joined.backend.receive_some() == b"question"
    assert await joined.backend.receive_some() == b""
    assert joined.up is Outcome.FINISHED
    assert joined.down is None
    await joined.backend.send_all(b"answer")
    await joined.backend.send_eof()
    assert await joined.client.receive_some() == b"answer"
    assert await joined.client.receive_some() == b""
    await wait_all_tasks_blocked()
    assert joined.down is Outcome.FINISHED


async def test_a_cut_client_is_broken_and_no_fin_is_passed_on(joined: Joined) -> None:
    await joined.client.send_all(b"half a ques")
    joined.client.close()
    assert await joined.backend.receive_some() == b"half a ques"
    await wait_all_tasks_blocked()
    assert joined.up is Outcome.SOURCE_BROKE
    assert not joined.backend.has_unread()
    with trio.move_on_after(0.01) as patience:
        await joined.backend.receive_some()
    assert patience.cancelled_caught
    joined.backend.close()


async def test_progress_is_that_of_the_kernel(joined: Joined) -> None:
    before = joined.pair.progress()
    await joined.client._below.send_all(b"\x17\x03\x03\x40\x00")  # the beginning of a record
    await wait_all_tasks_blocked()
    assert joined.pair.progress() == before + 5
    assert joined.pair.client.received == 0
    joined.client.reset()
    joined.backend.reset()
