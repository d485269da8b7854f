from __future__ import annotations

import asyncio
import sys
import threading
import time

import httpx
import pytest
import trio
from support import sample_server
from support.asyncio_site import ask, in_asyncio
from support.servers import connect

from trio_balancer import ConfigError
from trio_balancer.testing import AsyncioHarness, FaultError, open_balancer_asyncio

COMMAND = [sys.executable, "-I", sample_server.__file__, "{port}"]


def all_ended(lb: AsyncioHarness) -> bool:
    return all(not each.live for each in lb.connections)


def test_it_serves_and_nothing_is_left() -> None:
    async def main() -> tuple[str, int]:
        async with open_balancer_asyncio() as lb:
            return lb.address

    host, port = asyncio.run(main())
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(asyncio.open_connection(host, port))
    assert [t for t in threading.enumerate() if t.name.startswith("trio-balancer-")] == []


@in_asyncio
async def test_what_went_through_it(lb: AsyncioHarness) -> None:
    assert await asyncio.gather(*[ask(lb) for _ in range(4)]) == [b"hello"] * 4
    await lb.wait(all_ended)
    lb.assert_distribution({0: 2, 1: 2})
    with pytest.raises(AssertionError, match="still not so"):
        await lb.wait(lambda _lb: lb.connections == (), timeout=0.05)


@in_asyncio
async def test_the_loop_goes_on_while_it_waits(lb: AsyncioHarness) -> None:
    waiting = asyncio.create_task(lb.wait(lambda lb: lb.connections))
    await ask(lb)
    await waiting


@in_asyncio
async def test_a_fault_for_as_long_as_a_block_runs(lb: AsyncioHarness) -> None:
    with lb.fault("latency", backend=1, latency=100) as slow:
        slow.update(latency=150)
        for least in (0, 0.15):
            began = time.monotonic()
            await ask(lb)
            assert time.monotonic() - began >= least
    with pytest.raises(FaultError), lb.fault("latncy"):
        pass
    kinds = [event.kind for event in lb.events if event.kind.startswith("fault ")]
    assert kinds == ["fault added", "fault changed", "fault removed"]


@in_asyncio
async def test_a_fault_goes_when_the_task_is_cancelled(lb: AsyncioHarness) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(_with_a_fault(lb), 0.01)
    assert lb.events[-1].kind == "fault removed"


async def _with_a_fault(lb: AsyncioHarness) -> None:
    with lb.fault("refuse"):
        await asyncio.sleep(1000)


@in_asyncio
async def test_toxiproxys_clients_can_ask_it(lb: AsyncioHarness) -> None:
    address = await lb.serve_toxiproxy()
    async with httpx.AsyncClient(base_url=address.url) as client:
        toxic = {"type": "latency", "attributes": {"latency": 100}}
        answer = await client.post("/proxies/front/toxics", json=toxic)
    assert answer.status_code == 200
    assert lb.events[-1].detail.startswith("latency_downstream on listeners.front: ")


@in_asyncio
async def test_real_servers_and_others(lb: AsyncioHarness) -> None:
    [server] = await lb.spawn(COMMAND, name="real")
    await server.restart()
    assert server.output().count("serving") == 2
    added = await lb.add_backend("127.0.0.1:1", name="late")
    await lb.retarget("late", str(server.address))
    assert added.address == server.address
    await lb.drain(timeout=0)
    with pytest.raises(ConnectionRefusedError):
        await ask(lb)


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3)])
def test_what_the_block_raises_leaves_it_as_it_is(error: BaseException) -> None:
    seen: list[BaseException] = []

    async def main() -> None:
        try:
            async with open_balancer_asyncio():
                raise error  # noqa: TRY301 - the very point
        except BaseException as raised:  # noqa: BLE001  # the very point
            seen.append(raised)

    asyncio.run(main())
    assert seen == [error]
    assert not hasattr(error, "__notes__")


def test_one_that_cannot_serve_says_why() -> None:
    async def main() -> None:
        async with open_balancer_asyncio(["nonsense"]):
            pass

    with pytest.raises(ConfigError):
        asyncio.run(main())


def test_cancelled_while_it_ends_nothing_is_left() -> None:
    async def main() -> None:
        async with open_balancer_asyncio() as lb:
            stopping = asyncio.current_task()
            assert stopping is not None
            [address] = lb.addresses["front"]
            # When it has begun to stop.
            asyncio.get_running_loop().call_soon(stopping.cancel)
            ended.append(str(address))

    ended: list[str] = []
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    [address] = ended
    with pytest.raises(ConnectionRefusedError):
        connect(int(address.rpartition(":")[2]))
    assert [t for t in threading.enumerate() if t.name.startswith("trio-balancer-")] == []


def test_what_there_was_to_see_can_be_seen_afterwards() -> None:
    async def main() -> AsyncioHarness:
        async with open_balancer_asyncio(["127.0.0.1:1"], seed=4) as lb:
            _reader, writer = await asyncio.open_connection(*lb.address)
            await lb.wait(lambda lb: lb.connections and not lb.connections[0].live)
            writer.transport.abort()
        return lb

    lb = asyncio.run(main())
    assert [each.ending for each in lb.connections] == ["SC"]
    assert lb.events[-1].kind == "ended"
    assert lb.distribution() == {"127.0.0.1:1": 0}
    assert lb.backend(0).name == lb.backends[0].name
    assert "seed 4" in lb.report()
    with pytest.raises(trio.RunFinishedError, match="this balancer has been stopped"):
        lb.statistics()
