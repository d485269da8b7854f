from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import pytest
from wire.captures.decode import body, capture, rows_of_csv

from trio_balancer.wire.haproxy_columns import Kind
from trio_balancer.wire.haproxy_metrics import STAT_METRICS, STATE_METRICS
from trio_balancer.wire.haproxy_samples import (
    Sample,
    process_samples,
    stat_samples,
    state_samples,
)
from trio_balancer.wire.haproxy_stats import StatRow

if TYPE_CHECKING:
    from trio_balancer.wire.haproxy_fields import Value

# The scrape itself went through this frontend.
SCRAPED = "prom"
ROWS = [row for row in rows_of_csv(body("stat-tcp.csv")) if row.proxy != SCRAPED]
METRICS = {metric.name: metric for metric in STAT_METRICS}
STATUS = {metric.kind: metric for metric in STATE_METRICS if metric.name == "status"}

Told = dict[tuple[str, frozenset[tuple[str, str]]], float]


def theirs() -> Told:
    found = re.findall(r"^(haproxy_\w+)\{(.*)\} (\S+)$", capture("metrics.txt"), re.MULTILINE)
    return {
        (name, frozenset(re.findall(r'(\w+)="([^"]*)"', labels))): float(value)
        for name, labels, value in found
    }


def ours() -> Told:
    told: Told = {}
    for metric in STAT_METRICS:
        for kind in metric.kinds:
            for sample in stat_samples(metric, kind, ROWS):
                told[metric.full_name(kind), frozenset(sample.labels)] = sample.value
    for state_metric in STATE_METRICS:
        for sample in state_samples(state_metric, ROWS):
            told[state_metric.full_name, frozenset(sample.labels)] = sample.value
    return told


def test_samples_are_what_haproxys_exporter_said() -> None:
    exported = theirs()

    for key, value in ours().items():
        # HAProxy's exporter divides by 1024 connections before there have been so many.
        if "_average_" not in key[0]:
            assert value == pytest.approx(exported[key], nan_ok=True), key


def test_only_what_says_nothing_is_left_out() -> None:
    names = {name for name, _ in ours()}
    missing = theirs().keys() - ours().keys()

    left_out = {
        (name, value)
        for (name, labels), value in theirs().items()
        if (name, labels) in missing and name in names and ("proxy", SCRAPED) not in labels
    }

    # A check of a port has no code.
    assert {name for name, value in left_out if not math.isnan(value)} == {
        "haproxy_server_check_code"
    }


def test_milliseconds_become_seconds() -> None:
    row = StatRow(Kind.BACKEND, "app", 2, {"ttime": 304})

    (sample,) = stat_samples(METRICS["total_time_average_seconds"], Kind.BACKEND, [row])

    assert sample == Sample((("proxy", "app"),), 0.304)


def test_a_missing_limit_is_no_number() -> None:
    row = StatRow(Kind.SERVER, "app", 2, {}, server="s1", server_id=1)

    (sample,) = stat_samples(METRICS["limit_sessions"], Kind.SERVER, [row])

    assert math.isnan(sample.value)
    assert sample.labels == (("proxy", "app"), ("server", "s1"))
    assert list(stat_samples(METRICS["sessions_total"], Kind.SERVER, [row])) == []


@pytest.mark.parametrize(
    ("kind", "word", "state"),
    [
        (Kind.FRONTEND, "OPEN", "UP"),
        (Kind.FRONTEND, "PAUSED", "UP"),
        (Kind.FRONTEND, "STOP", "DOWN"),
        (Kind.LISTENER, "OPEN", "OPEN"),
        (Kind.LISTENER, "FULL", "FULL"),
        (Kind.BACKEND, "DOWN", "DOWN"),
        (Kind.SERVER, "UP 1/3", "UP"),
        (Kind.SERVER, "no check", "UP"),
        (Kind.SERVER, "DOWN (agent)", "DOWN"),
        (Kind.SERVER, "MAINT (via app/s1)", "MAINT"),
        (Kind.SERVER, "NOLB 2/3", "NOLB"),
    ],
)
def test_one_state_is_one_and_the_others_are_zero(kind: Kind, word: str, state: str) -> None:
    row = StatRow(kind, "app", 2, {"status": word}, server="s1", server_id=1)

    samples = list(state_samples(STATUS[kind], [row]))

    assert [dict(one.labels)["state"] for one in samples if one.value == 1] == [state]
    assert len(samples) == len(STATUS[kind].states)
    assert sum(one.value for one in samples) == 1


def test_a_running_check_has_the_last_ones_result() -> None:
    metric = next(metric for metric in STATE_METRICS if metric.name == "check_status")
    row = StatRow(Kind.SERVER, "app", 2, {"check_status": "* L4CON"}, server="s", server_id=1)

    told = {dict(one.labels)["state"]: one.value for one in state_samples(metric, [row])}

    assert told["L4CON"] == 1


def test_the_process_tells_what_it_knows() -> None:
    values: dict[str, Value] = {"CurrConns": 3, "Version": "1.2", "Name": "x"}

    told = {metric.name: sample for metric, sample in process_samples(values)}

    assert told == {
        "current_connections": Sample((), 3),
        "build_info": Sample((("version", "1.2"),), 1),
    }
    assert list(process_samples({})) == []
