from __future__ import annotations

import os
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from support.manager import Manager
from support.world import FRONT, NO_CHECKS, OPTIONS, make_config
from trio.testing import wait_all_tasks_blocked

from trio_balancer import ConfigError, serve
from trio_balancer.config.problems import Problem
from trio_balancer.flow.log_sink import MemorySink
from trio_balancer.system import host
from trio_balancer.system.host import Host, meet_host
from trio_balancer.system.notify import Notifier
from trio_balancer.system.privileges import Account
from trio_balancer.testing import MemoryNetwork
from trio_balancer.wire.address import UnixAddress

if TYPE_CHECKING:
    from pathlib import Path

    from trio.testing import MockClock

    from trio_balancer.config.model import Config

CONFIG = make_config()
SOMEBODY = Account("somebody", 4000, 4001, frozenset())


def alone() -> Host:
    return meet_host(CONFIG, {}, os.getpid())


def test_a_terminal_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (alone().notifier, alone().account, alone().inherited.names) == (None, None, {})
    became: list[Account] = []
    monkeypatch.setattr(host, "become", became.append)
    alone().step_down()
    attrs.evolve(alone(), account=SOMEBODY).step_down()
    assert became == [SOMEBODY]


def test_unix_sockets_are_handed_over_before(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[object] = []
    monkeypatch.setattr(host, "hand_over", lambda paths, _account: done.append(paths))
    monkeypatch.setattr(host, "become", done.append)
    config = make_config(more=f'{NO_CHECKS}[control]\nsocket = "/run/control"\n')
    web = attrs.evolve(config.listeners["web"], bind=(FRONT, UnixAddress("/run/web")))
    config = attrs.evolve(config, listeners={"web": web})
    attrs.evolve(meet_host(config, {}, os.getpid()), account=SOMEBODY).step_down()
    assert done == [("/run/web", "/run/control"), SOMEBODY]


def test_variables_of_systemd() -> None:
    environ = {"NOTIFY_SOCKET": "/run/notify", "LISTEN_PID": "1", "LISTEN_FDS": "1"}
    assert meet_host(CONFIG, environ, os.getpid()).notifier == Notifier("/run/notify")
    assert environ == {}


async def test_its_network_has_the_inherited_sockets() -> None:
    with pytest.raises(OSError, match="inherited no sockets"):
        await alone().network().adopt("web", backlog=1, options=OPTIONS)


async def accompany(host_: Host, failure: ConfigError | None) -> list[str]:
    def load() -> Config:
        if failure is not None:
            raise failure
        return CONFIG

    sink = MemorySink()
    async with trio.open_nursery() as nursery:
        balancer = await nursery.start(
            lambda task_status: serve(
                CONFIG, network=MemoryNetwork(), log_sink=sink, task_status=task_status
            )
        )
        nursery.start_soon(host_.accompany, balancer, load)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    return sink.lines


async def test_another_user_who_could_not_reload_is_warned_of(autojump_clock: MockClock) -> None:
    failure = ConfigError([Problem("web.toml", None, "", "cannot be read: Permission denied")])
    lines = await accompany(attrs.evolve(alone(), account=SOMEBODY), failure)
    [warning] = [line for line in lines if "A reload will fail" in line]
    assert " warning A reload will fail as this user user=somebody reason=" in warning
    assert "Permission denied" in warning


async def test_another_user_who_can(autojump_clock: MockClock) -> None:
    lines = await accompany(attrs.evolve(alone(), account=SOMEBODY), None)
    assert not any("A reload will fail" in line for line in lines)


async def test_the_manager_is_told(tmp_path: Path, autojump_clock: MockClock) -> None:
    with Manager(str(tmp_path / "notify")) as manager:
        environ = {"NOTIFY_SOCKET": manager.address}
        await accompany(meet_host(CONFIG, environ, os.getpid()), None)
        assert any("READY" in message for message in manager.read_all())
