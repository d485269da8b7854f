from __future__ import annotations

import pytest
from support.world import BACKEND, World, make_config, trade
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.control.errors import OperationError
from trio_balancer.control.listeners import set_disabled, shut_down


async def test_a_disabled_listener_refuses_clients_until_it_is_enabled(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config())
    client = await world.client()
    assert set_disabled(balancer, "web", disabled=True) == {"listener": "web", "state": "closed"}
    with pytest.raises(ConnectionRefusedError):
        await world.client()
    assert await trade(client) == b"ping"
    assert set_disabled(balancer, "web", disabled=False) == {"listener": "web", "state": "open"}
    assert await trade(await world.client()) == b"ping"
    (first, second) = world.lines("Listener set by the operator")
    assert "disabled=true" in first
    assert "disabled=false" in second


async def test_a_listener_that_was_shut_down_lets_go_of_its_port(
    autojump_clock: MockClock, world: World
) -> None:
    balancer = await world.serve(make_config())
    assert shut_down(balancer, "web") == {"listener": "web", "state": "closed"}
    await wait_all_tasks_blocked()
    assert balancer.addresses["web"] == ()
    assert world.lines("Listener shut down by the operator")


async def test_a_listener_that_is_not_there(autojump_clock: MockClock, world: World) -> None:
    balancer = await world.serve(make_config())
    with pytest.raises(OperationError, match="there is no listener 'mail'; there is 'web'"):
        set_disabled(balancer, "mail", disabled=True)
    with pytest.raises(OperationError, match="there is no listener 'mail'"):
        shut_down(balancer, "mail")
