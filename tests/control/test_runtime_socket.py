from __future__ import annotations

import errno

import pytest
import trio
from support.commands import SOCKET, Operator, operate
from support.world import BACKEND, World, make_config, trade
from trio.testing import MockClock

from trio_balancer import BindError
from trio_balancer.config.model_control import ControlConfig
from trio_balancer.control import runtime_client
from trio_balancer.control.runtime_socket import open_runtime_socket
from trio_balancer.network.kernel import os_error
from trio_balancer.testing import MemoryListener, MemoryNetwork


async def test_without_a_section_there_is_none(autojump_clock: MockClock, world: World) -> None:
    await world.serve(make_config())
    with pytest.raises(ConnectionRefusedError):
        await Operator(world).connect()


async def test_the_mode_is_the_owners_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    network = MemoryNetwork()
    modes: list[object] = []
    listen = network.listen

    async def noting(*args: object, **options: object) -> MemoryListener:
        modes.append(options["mode"])
        return await listen(*args, **options)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(MemoryNetwork, "listen", staticmethod(noting))
    socket = await open_runtime_socket(network, ControlConfig(SOCKET))
    assert modes == [0o600]
    socket.close()
    socket.close()


async def test_a_path_that_is_taken(autojump_clock: MockClock, world: World) -> None:
    network = MemoryNetwork()
    first = await open_runtime_socket(network, ControlConfig(SOCKET))
    with pytest.raises(BindError, match=r"\[control\] cannot bind unix:/run/balancer.sock"):
        await open_runtime_socket(network, ControlConfig(SOCKET))
    first.close()


async def test_it_answers_while_the_balancer_drains(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    operator = await operate(world)
    client = await world.client()
    world.balancer.drain(30)
    assert (await operator.result("status"))["draining"] is True
    client.close()
    await trio.sleep(1)
    assert world.returned
    with pytest.raises(ConnectionRefusedError):
        await operator.connect()


async def test_errors_of_accept_do_not_end_it(
    autojump_clock: MockClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = await operate(world)
    accept = MemoryListener.accept_nowait
    errors: list[OSError] = [os_error(errno.EMFILE), BlockingIOError(errno.EAGAIN, "nobody")]

    def failing(self: MemoryListener) -> object:
        if errors:
            raise errors.pop(0)
        return accept(self)

    monkeypatch.setattr(MemoryListener, "accept_nowait", failing)
    assert await operator.command("show version") != ""
    assert len(world.lines("Accepting on the runtime socket failed")) == 1


async def test_a_bug_ends_one_client_and_nothing_else(
    autojump_clock: MockClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.server(BACKEND)
    operator = await operate(world)

    async def broken(*_: object) -> str:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(runtime_client, "execute", broken)
        assert await operator.ask("show version") == ""
    assert "ZeroDivisionError" in world.lines("A bug ended a client")[0]
    assert await operator.command("show version") != ""
    assert await trade(await world.client()) == b"ping"
