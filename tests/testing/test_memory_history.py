from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import trio
from support.flapping import flapping_hour
from support.pythons import find_python
from support.scale import scaled
from trio.testing import MockClock

from trio_balancer.network import SocketOptions
from trio_balancer.testing import History, MemoryNetwork, MemoryStream, run_in_virtual_time
from trio_balancer.wire.address import inet_address

WEB = inet_address("10.0.0.1", 80)
OPTIONS = SocketOptions()
ROOT = Path(__file__).parents[2]


async def test_what_arrived_when_and_how_it_ended(autojump_clock: MockClock) -> None:
    history = History()
    network = MemoryNetwork(history=history)
    listener = await network.listen(WEB, backlog=1, options=OPTIONS)
    client = await network.connect(WEB, options=OPTIONS)
    server = listener.accept_nowait()
    network.link("*", latency=0.5)
    await client.send_all(b"ping")
    await client.send_eof()
    assert await server.receive_some() == b"ping"
    server.reset()
    await trio.sleep(1)
    ping = hashlib.sha256(b"ping").hexdigest()
    assert str(history) == (
        "#1 127.0.0.1:32768 -> 10.0.0.1:80 opened 0.000000000\n"
        f"#1 up   0.500000000 4 bytes {ping}\n"
        "#1 up   0.500000000 finished\n"
        "#1 down 1.000000000 reset\n"
    )
    assert history.digest() == hashlib.sha256(str(history).encode()).hexdigest()


async def test_an_end_that_is_told_twice_is_noted_once(autojump_clock: MockClock) -> None:
    history = History()
    network = MemoryNetwork(history=history)
    listener = await network.listen(WEB, backlog=1, options=OPTIONS)
    client = await network.connect(WEB, options=OPTIONS)
    await client.send_eof()
    client.close()
    listener.accept_nowait().close()
    (conversation,) = history.conversations
    assert [moment.event for moment in conversation.up.moments] == ["finished"]


def test_a_whole_balancer_repeats_itself() -> None:
    histories = [flapping_hour(seed=seed, connections=60) for seed in (1, 1, 2)]
    assert histories[0] == histories[1] != histories[2]
    assert len(histories[0].conversations) > 100


def test_other_processes_repeat_it() -> None:
    ours = flapping_hour(seed=1, connections=60).digest()
    assert [digest_of(sys.executable, hash_seed) for hash_seed in "12"] == [ours, ours]


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_other_versions_of_python_repeat_it(version: str) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version}")
    assert digest_of(python) == flapping_hour(seed=1, connections=60).digest()


def digest_of(python: str, hash_seed: str = "0") -> str:
    """Let the hour of `test_a_whole_balancer_repeats_itself` pass in another process."""
    code = (
        "from support.flapping import flapping_hour\n"
        "print(flapping_hour(seed=1, connections=60).digest())"
    )
    # What it needs of our packages is pure Python, and works for all versions.
    folders = (str(ROOT), str(ROOT / "tests"), sysconfig.get_path("purelib"))
    env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(folders)}
    run = subprocess.run(
        [python, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


def test_what_it_says_does_not_change() -> None:
    assert run_in_virtual_time(lossy_talk, seed=5).digest() == (
        "50c0f07642bab584240bbd905888d35d2c73220db7d9e3d07519d5e8ae7c4f8c"
    )


async def lossy_talk() -> History:
    """Let twenty clients at a time ask an echo over a slow and lossy link."""
    history = History()
    network = MemoryNetwork(seed=5, history=history)
    network.link("*", "10.0.0.1", latency=0.01, bandwidth=50_000, loss=0.1)
    listener = await network.listen(WEB)
    async with trio.open_nursery() as clients:
        clients.start_soon(listener.serve, echo)
        async with trio.open_nursery() as asking:
            for number in range(20):
                asking.start_soon(ask, network, bytes([number]) * 100 * number)
        listener.close()
    return history


async def echo(stream: MemoryStream) -> None:
    while data := await stream.receive_some():
        await stream.send_all(data)


async def ask(network: MemoryNetwork, question: bytes) -> None:
    async with await network.connect(WEB) as stream:
        await stream.send_all(question)
        await stream.send_eof()
        answer = b""
        while data := await stream.receive_some():
            answer += data
        assert answer == question


@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_an_hour_of_flapping_backends() -> None:
    connections = scaled(20_000)
    history = flapping_hour(seed=3, connections=connections)
    to_the_front = [each for each in history.conversations if each.server == "10.0.0.1:80"]
    assert len(to_the_front) == connections
    # Nobody is left hanging: each was answered to the end, or reset.
    assert all(each.down.moments[-1].event in ("finished", "reset") for each in to_the_front)
    assert {each.down.moments[-1].event for each in to_the_front} == {"finished", "reset"}
    assert max(each.down.moments[-1].time for each in to_the_front) > 3000
