from __future__ import annotations

import pytest
from support.commands import operate
from support.world import BACKEND, World, make_config
from trio.testing import MockClock

from trio_balancer.control.haproxy.servers import server_connections, server_states
from trio_balancer.wire.haproxy_reply import CommandError
from trio_balancer.wire.haproxy_servers import servers_state

# The line of a server that is up, in the capture, but for its numbers and its port.
CAPTURED = "8 be_app 1 s1 127.0.0.1 2 0 10 10 28 6 3 4 6 0 0 0 - 17101 - 0 0 - - 0"


async def test_states_are_written_as_haproxy_does(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await operate(world, more="")
    lines = servers_state(server_states(world.balancer, "app")).splitlines()
    assert lines[2] == (
        CAPTURED.replace("8 be_app 1 s1 127.0.0.1", f"3 app 1 one {BACKEND.host}")
        .replace(" 28 ", " 0 ")
        .replace("17101", "80")
    )
    # Dead from the start: DOWN, by a connection problem.
    assert lines[3].startswith("3 app 2 two 10.0.1.2 0 0 1 1 0 8 2 0 6 ")


async def test_without_checks(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    await operator.command("disable server app/one; set weight app/two 7")
    one, two = server_states(world.balancer, None)
    assert (one.admin, one.operation, one.check_state) == (1, 0, 0)
    assert (two.weight, two.initial_weight, two.check_result) == (7, 1, 0)


async def test_names_and_paths(autojump_clock: MockClock, world: World) -> None:
    config = make_config(
        backends=("db.example:5432", "unix:/run/app.sock"),
        more='[pools.app.health]\ntype = "none"\nport = 99\naddress = "10.9.9.9"\n',
    )
    await world.serve(config)
    named, path = server_states(world.balancer, "app")
    assert (named.address, named.port, named.name_resolved) == ("-", 5432, "db.example")
    assert (path.address, path.port) == ("unix:/run/app.sock", 0)
    assert (path.check_port, path.check_address) == (99, "10.9.9.9")


async def test_connections(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await operate(world, pool='policy = "first"\n')
    await world.clients(2)
    one, two = server_connections(world.balancer, "app")
    assert (one.used, one.used_max, one.server_id, one.backend_id) == (2, 2, 1, 3)
    assert (two.server, two.used, two.address, two.port) == ("two", 0, "10.0.1.2", 80)


async def test_a_pool_that_is_not_there(autojump_clock: MockClock, world: World) -> None:
    await operate(world)
    for find in (server_states, server_connections):
        with pytest.raises(CommandError, match="Can't find backend"):
            list(find(world.balancer, "nobody"))
