from __future__ import annotations

import os

import pytest
import trio
from support.commands import operate
from support.world import BACKEND, World
from trio.testing import MockClock
from wire.captures.decode import capture

import trio_balancer
from trio_balancer.control.haproxy.info import info_values
from trio_balancer.wire.haproxy_info import InfoQuery, show_info

# What is known of a HAProxy and of nobody else, or of its insides.
NOT_HERE = {
    "Unstoppable Jobs",
    "ActivePeers",
    "ConnectedPeers",
    "BusyPolling",
    "FailedResolutions",
    "TotalSplicdedBytesOut",
    "BytesOutRate",
    "DebugCommandsIssued",
    "CumRecvLogs",
    "Memmax_bytes",
    "PoolAlloc_bytes",
    "PoolUsed_bytes",
}


async def test_keys_are_those_of_the_capture_in_its_order(
    autojump_clock: MockClock, world: World
) -> None:
    await operate(world)
    captured = [line.partition(":")[0] for line in capture("info.txt").splitlines() if line]
    text = show_info(info_values(world.balancer), InfoQuery())
    told = [line.partition(":")[0] for line in text.splitlines()]
    assert told == [key for key in captured if key not in NOT_HERE]


async def test_values(
    autojump_clock: MockClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.wall_start = 1_000_000.0
    await world.server(BACKEND)
    await operate(world)
    await world.clients(3)
    values = info_values(world.balancer)
    assert (values["Name"], values["Version"]) == ("HAProxy", trio_balancer.__version__)
    assert (values["Pid"], values["Start_time_sec"]) == (os.getpid(), 1_000_000)
    assert (values["CurrConns"], values["CumConns"], values["CumReq"]) == (3, 3, 3)
    assert (values["ConnRate"], values["MaxConnRate"]) == (3, 3)
    assert (values["Maxconn"], values["Jobs"], values["Listeners"]) == (100, 4, 1)
    assert int(values["Hard_maxconn"]) > 100
    assert (values["Stopping"], values["Maxpipes"]) == (0, 0)
    await trio.sleep(86_000)
    monkeypatch.setattr("time.process_time", lambda: 8_600.0)
    values = info_values(world.balancer)
    assert (values["Uptime"], values["Uptime_sec"]) == ("0d 23h53m20s", 86_000)
    assert values["Idle_pct"] == 90
    world.balancer.drain(5)
    assert info_values(world.balancer)["Stopping"] == 1
