from __future__ import annotations

import pytest
from support.reloads import renamed
from support.world import BACKEND, World, keep, make_config
from trio.testing import MockClock

from trio_balancer.control.errors import OperationError
from trio_balancer.control.names import check_names

Names = tuple[str | None, str | None, str | None]
HERE = str(BACKEND)


@pytest.mark.parametrize(
    "names", [(None, None, None), ("web", None, None), (None, "app", None), ("web", "app", HERE)]
)
async def test_names_of_something(names: Names, autojump_clock: MockClock, world: World) -> None:
    balancer = await world.serve(make_config())
    check_names(balancer, *names)


@pytest.mark.parametrize(
    ("names", "code", "said"),
    [
        (("wbe", None, None), "no-such-listener", "there is no listener 'wbe'; there is 'web'"),
        ((None, "ap", None), "no-such-pool", "there is no pool 'ap'; there is 'app'"),
        ((None, "ap", HERE), "no-such-pool", "there is no pool 'ap'"),
        ((None, "app", "x"), "no-such-backend", "pool 'app' has no backend 'x'; there is "),
        ((None, None, HERE), "bad-value", "named by its pool"),
    ],
)
async def test_names_of_nothing(
    names: Names, code: str, said: str, autojump_clock: MockClock, world: World
) -> None:
    balancer = await world.serve(make_config())
    with pytest.raises(OperationError, match=said) as caught:
        check_names(balancer, *names)
    assert caught.value.code == code


async def test_names_of_what_was_removed_and_has_connections(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    config = make_config()
    balancer = await world.serve(config)
    await world.clients(1)
    await balancer.reload(renamed("web", "side", renamed("app", "shop", config)))
    check_names(balancer, "web", "app", HERE)
    check_names(balancer, "web", "app", None)
    with pytest.raises(OperationError, match="no pool 'app'"):
        check_names(balancer, None, "app", "other")
