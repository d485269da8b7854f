"""Failure class 17: a backend that comes and goes ten times a second, for an hour."""

from __future__ import annotations

import pytest
import trio
from support.scale import scaled
from support.world import BACKEND, OTHER, World, finish, make_config
from trio.testing import MockClock

INTERVAL, FALL = 2, 3


@pytest.mark.heavy
async def test_flapping_is_no_flood_of_transitions(autojump_clock: MockClock, world: World) -> None:
    await world.server(OTHER)
    server = await world.server(BACKEND)
    checks = f'[pools.app.health]\ninterval = "{INTERVAL}s"\nfall = {FALL}\nrise = 2\n'
    await world.serve(make_config(backends=(BACKEND, OTHER), more=checks))
    seconds = scaled(3600)
    for _ in range(seconds):
        for _ in range(5):
            server.stop()
            await trio.sleep(0.1)
            await server.start()
            await trio.sleep(0.1)
        await finish(await world.client())
    changes = len(world.lines("Backend is"))
    # Checks come with 10 % jitter.
    assert changes <= seconds / (FALL * INTERVAL * 0.9)
    assert world.endings() == ["--"] * seconds
    world.assert_nothing_is_held()
