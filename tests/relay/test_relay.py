"""Which way bytes move: what is asked for, what there is, and what kind of streams they are."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
import trio
from support.rig import open_rig, receive_to_end, say

from trio_balancer.config.model import RelayKind
from trio_balancer.network import SocketNetwork
from trio_balancer.network.poller import HAVE_EPOLL
from trio_balancer.relay import Kind, Outcome, Pair, make_relay
from trio_balancer.relay import relay as choice
from trio_balancer.relay.pipes import HAVE_SPLICE
from trio_balancer.testing import MemoryNetwork

if TYPE_CHECKING:
    from pathlib import Path

needs_epoll = pytest.mark.skipif(not HAVE_EPOLL, reason="this system has no epoll")


@needs_epoll
@pytest.mark.parametrize("wanted", [RelayKind.AUTO, RelayKind.EPOLL])
def test_epoll_where_there_is_one(wanted: RelayKind) -> None:
    relay = make_relay(wanted, SocketNetwork(), splice=True)
    assert relay.kind is Kind.EPOLL
    assert (relay.pipes is not None) is HAVE_SPLICE
    relay.close()


@needs_epoll
def test_no_pipes_where_nothing_is_to_be_spliced(monkeypatch: pytest.MonkeyPatch) -> None:
    assert make_relay(RelayKind.AUTO, SocketNetwork(), splice=False).pipes is None
    monkeypatch.setattr(choice, "HAVE_SPLICE", False)
    assert make_relay(RelayKind.AUTO, SocketNetwork(), splice=True).pipes is None


def test_portable_when_asked_for() -> None:
    relay = make_relay(RelayKind.PORTABLE, SocketNetwork(), splice=True)
    assert relay.kind is Kind.PORTABLE
    assert relay.pipes is None
    relay.close()


def test_portable_where_there_is_no_epoll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "HAVE_EPOLL", False)
    assert make_relay(RelayKind.AUTO, SocketNetwork(), splice=True).kind is Kind.PORTABLE


def test_epoll_where_there_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "HAVE_EPOLL", False)
    with pytest.raises(OSError, match="has no epoll") as caught:
        make_relay(RelayKind.EPOLL, SocketNetwork(), splice=True)
    assert caught.value.errno == errno.ENOSYS


@pytest.mark.parametrize("wanted", RelayKind)
def test_streams_of_another_network_are_copied_as_streams(wanted: RelayKind) -> None:
    assert make_relay(wanted, MemoryNetwork(), splice=True).kind is Kind.STREAMS


@needs_epoll
@pytest.mark.parametrize("name", ["epoll", "portable"])
async def test_socket_and_another_stream_are_copied_as_streams(name: str, tmp_path: Path) -> None:
    """As with TLS on one leg."""
    async with open_rig(name, tmp_path) as rig, open_rig("memory", tmp_path) as memory:
        client, client_leg = await rig.connect()
        backend_leg, backend = await memory.connect()
        pair = Pair(client_leg, backend_leg)
        copies = [rig.copy(pair.up), rig.copy(pair.down)]
        await trio.lowlevel.checkpoint()
        assert pair.up.leave_relay is pair.down.leave_relay is None
        for one, other in ((client, backend), (backend, client)):
            rig.nursery.start_soon(say, one, b"across")
            assert await receive_to_end(other) == b"across"
        assert [await copying.wait() for copying in copies] == [Outcome.FINISHED] * 2


@pytest.mark.parametrize(
    ("name", "moves"),
    [("memory", False), ("streams-ipv4", False), ("portable-ipv4", True), ("splice-ipv4", True)],
)
async def test_what_it_moves_faster(name: str, tmp_path: Path, *, moves: bool) -> None:
    async with open_rig(name, tmp_path) as rig:
        assert rig.relay.moves((await rig.join()).pair.up) is moves
