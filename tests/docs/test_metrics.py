"""The page of metrics, held against what is really told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import trio
from support.pages import page, rows, words

from trio_balancer.wire.haproxy_metrics import (
    BUILD_INFO,
    PROCESS_METRICS,
    STAT_METRICS,
    STATE_METRICS,
)

pytest.importorskip("prometheus_client", reason="the extra admin is not installed")

from support.admin import open_desk
from support.world import World

from trio_balancer.control.admin.histograms import Histograms

if TYPE_CHECKING:
    from trio.testing import MockClock

TEXT = page("metrics.md")
ROWS = rows(TEXT)
# Percent is no unit of Prometheus's: this one is told nowhere.
UNTOLD = {"haproxy_process_idle_time_percent"}


def documented(heading: str, prefix: str = "") -> dict[str, list[str]]:
    """Return names in a table with what stands in code beside them."""
    told = {words(row[0])[0]: words(row[1]) for row in ROWS[heading]}
    return {name: more for name, more in told.items() if name.startswith(prefix)}


def test_those_of_the_process() -> None:
    names = {metric.full_name(None) for metric in (*PROCESS_METRICS, BUILD_INFO)} - UNTOLD
    assert set(documented("HAProxy's, of the process")) == names


def test_those_of_what_is_balanced() -> None:
    told = {
        f"haproxy_{kind}_{name}"
        for name, kinds in documented("HAProxy's, of what it balances").items()
        for kind in kinds
    }
    stats = {metric.full_name(kind) for metric in STAT_METRICS for kind in metric.kinds}
    assert told == stats | {metric.full_name for metric in STATE_METRICS}


def test_histograms() -> None:
    real = {histogram.name: list(histogram.labels) for histogram in Histograms().all()}
    told = documented("Our own")
    assert {name: labels for name, labels in told.items() if name in real} == real


async def test_a_scrape_tells_nothing_else(autojump_clock: MockClock) -> None:
    everything = set(re.findall(r"`(\w+)`", TEXT))
    async with trio.open_nursery() as nursery:
        desk = await open_desk(World(nursery))
        text = (await desk.get("/metrics")).text
        nursery.cancel_scope.cancel()
    families = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
    bare = {re.sub(r"^haproxy_(frontend|listener|backend|server)_", "", name) for name in families}
    assert bare - everything == set()
    own = set(documented("Our own")) - {histogram.name for histogram in Histograms().all()}
    # Those with labels are told once there is something to tell.
    assert {name for name in own if not documented("Our own")[name]} <= families
