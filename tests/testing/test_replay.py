from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock

from trio_balancer.testing import MemoryNetwork, MemoryStream, memory_connection, open_balancer
from trio_balancer.testing.recording import (
    BACKEND,
    CLIENT,
    Recording,
    RecordingError,
    Said,
    read_recordings,
)
from trio_balancer.testing.replay import ReplayError, replay_as_backend, replay_as_client
from trio_balancer.wire.address import UnixAddress, inet_address

BACK = inet_address("10.0.1.1", 80)


def say(direction: str, data: bytes, time: float = 0) -> Said:
    return Said(time, direction, len(data), hashlib.sha256(data).hexdigest(), data)


TALK = Recording(
    7,
    (
        say(CLIENT, b"hello"),
        say(BACKEND, b"who", 1),
        say(BACKEND, b" are you?", 2),
        say(CLIENT, b"me", 3),
        Said(3, CLIENT, finished=True),
        say(BACKEND, b"bye", 4),
        Said(5, BACKEND, finished=True),
    ),
)


def pair() -> tuple[MemoryStream, MemoryStream]:
    return memory_connection(UnixAddress(""), UnixAddress("/run/a"))


async def test_both_sides_of_a_recording_suit_each_other() -> None:
    client, backend = pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(replay_as_client, client, TALK)
        nursery.start_soon(replay_as_backend, backend, TALK)
    assert client.received == len("who are you?bye")


async def test_time_passes_as_it_did(autojump_clock: MockClock) -> None:
    client, backend = pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: replay_as_client(client, TALK, timed=True))
        nursery.start_soon(lambda: replay_as_backend(backend, TALK, timed=True))
    assert trio.current_time() == 5


async def test_both_may_say_a_lot_at_once() -> None:
    client, backend = pair()
    much = bytes(1_000_000)
    talk = Recording(1, (say(CLIENT, much), say(BACKEND, much)))

    async def at_once() -> None:
        await backend.send_all(much)

    async def hear() -> None:
        heard = 0
        while heard < len(much):
            heard += len(await backend.receive_some())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(replay_as_client, client, talk)
        nursery.start_soon(at_once)
        nursery.start_soon(hear)


async def other_bytes(stream: MemoryStream) -> None:
    await stream.send_all(b"who")
    await stream.send_all(b" is that?")


async def too_few(stream: MemoryStream) -> None:
    await stream.send_all(b"who are")
    await stream.send_eof()


async def reset(stream: MemoryStream) -> None:
    stream.reset()


async def too_many(stream: MemoryStream) -> None:
    await stream.send_all(b"who are you?bye, bye")


async def one_more(stream: MemoryStream) -> None:
    await stream.send_all(b"who are you?bye")
    await trio.sleep(1)
    await stream.send_all(b"!")


@pytest.mark.parametrize(
    ("behave", "about"),
    [
        (other_bytes, r"said other 9 bytes in entry 3: b' is that\?'"),
        (too_few, "ended with 4 of the 9 bytes of entry 3"),
        (reset, "connection 7 of the recording: the other side reset the connection"),
        (too_many, "went on where it had finished: b', bye'"),
        (one_more, "went on where it had finished: b'!'"),
    ],
)
async def test_what_differs_is_told_bare(
    autojump_clock: MockClock,
    behave: Callable[[MemoryStream], Awaitable[None]],
    about: str,
    nursery: trio.Nursery,
) -> None:
    client, backend = pair()
    nursery.start_soon(behave, backend)
    with pytest.raises(ReplayError, match=about):
        await replay_as_client(client, TALK)


@pytest.mark.parametrize(
    "said",
    [
        (say(CLIENT, b"a"), say(CLIENT, b"b")),
        (say(BACKEND, b"a"), say(BACKEND, b"b")),
        (say(CLIENT, b"a"), say(BACKEND, b"b")),
    ],
)
async def test_a_reset_while_we_talk_or_listen_or_both(said: tuple[Said, ...]) -> None:
    client, backend = pair()
    backend.reset()
    with pytest.raises(ReplayError, match="reset the connection"):
        await replay_as_client(client, Recording(1, said))


async def test_bytes_that_were_not_recorded_cannot_be_said() -> None:
    without = Recording(1, (attrs.evolve(say(CLIENT, b"a"), data=None),))
    with pytest.raises(RecordingError, match="data = true"):
        await replay_as_client(pair()[0], without)


async def test_what_a_balancer_recorded_can_be_replayed(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    network, path = MemoryNetwork(), tmp_path / "talk.jsonl"
    listener = await network.listen(BACK)
    async with (
        open_balancer(config(path), network=network, seed=1) as lb,
        serving(listener.serve, TALK),
    ):
        client = await network.connect(inet_address(*lb.address))
        await replay_as_client(client, TALK)
        client.close()
    (recording,) = read_recordings(path)
    assert spoken(recording, CLIENT) == spoken(TALK, CLIENT)
    assert spoken(recording, BACKEND) == spoken(TALK, BACKEND)
    async with trio.open_nursery() as nursery:
        client, backend = pair()
        nursery.start_soon(replay_as_client, client, TALK)
        nursery.start_soon(replay_as_backend, backend, recording)


def spoken(recording: Recording, direction: str) -> bytes:
    return b"".join(each.data or b"" for each in recording.said if each.direction == direction)


def config(path: Path) -> str:
    return (
        f'[listeners.web]\nbind = "10.0.0.1:80"\npool = "app"\n'
        f'[[listeners.web.filters]]\nuse = "record"\nfile = "{path}"\ndata = true\n'
        f'[pools.app]\nbackends = ["{BACK}"]\nhealth = {{ type = "none" }}\n'
    )


@asynccontextmanager
async def serving(
    serve: Callable[[Callable[[MemoryStream], Awaitable[None]]], Awaitable[None]], talk: Recording
) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, lambda stream: replay_as_backend(stream, talk))
        yield
        nursery.cancel_scope.cancel()
