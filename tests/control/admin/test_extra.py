from __future__ import annotations

import pytest
from support.world import World, make_config
from trio.testing import MockClock

from trio_balancer.config import ConfigError
from trio_balancer.control.admin import check_extra, extra, open_admin
from trio_balancer.control.operations import Operations

ADMIN = make_config(more='[admin]\nbind = "127.0.0.1:0"\n')


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extra, "find_spec", lambda _name: None)


def test_what_is_missing_is_told_with_the_command(nothing_installed: None) -> None:
    with pytest.raises(ConfigError) as caught:
        check_extra(ADMIN)
    assert str(caught.value) == (
        "admin: needs packages that are not installed (hypercorn, starlette, prometheus_client);"
        " install them: pip install 'trio-balancer[admin]'"
    )


def test_without_the_section_nothing_is_needed(nothing_installed: None) -> None:
    check_extra(make_config())


async def test_nothing_is_served_without_the_section(
    autojump_clock: MockClock, world: World, nothing_installed: None
) -> None:
    server = await open_admin(make_config())
    assert server.addresses == ()
    balancer = await world.serve(make_config())
    await server.run(Operations(balancer))
    server.close()


async def test_nothing_is_bound_without_the_packages(nothing_installed: None) -> None:
    with pytest.raises(ConfigError):
        await open_admin(ADMIN)


async def test_binds_what_the_section_says() -> None:
    check_extra(ADMIN)
    server = await open_admin(ADMIN)
    assert [str(address).split(":")[0] for address in server.addresses] == ["127.0.0.1"]
    server.close()
