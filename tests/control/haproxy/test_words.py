from __future__ import annotations

import random

import attrs
import pytest
from support.world import make_config

from trio_balancer.control.haproxy.words import admin_of, health_of, operation_of
from trio_balancer.policy import Admin, BackendStatistics, Pool
from trio_balancer.wire.haproxy_status import CheckHealth, server_status

_POOL = Pool(make_config(more="").pools["app"], now=0.0, rng=random.Random(1))


def backend(**changes: object) -> BackendStatistics:
    whole = _POOL.statistics(0.0).backends[0]
    up = attrs.evolve(whole, health=4, rise=2, fall=3)
    return attrs.evolve(up, **changes)  # type: ignore[arg-type]  # any of them


def word(**changes: object) -> str:
    seen = backend(**changes)
    return server_status(operation_of(seen), admin_of(seen), health_of(seen))


@pytest.mark.parametrize(
    ("changes", "status", "operation"),
    [
        ({}, "UP", 2),
        ({"health": 3}, "UP 2/3", 2),
        ({"health": 2}, "UP 1/3", 2),
        ({"health": 1}, "DOWN 1/2", 0),
        ({"health": 0}, "DOWN", 0),
        ({"effective_weight": 0.5}, "UP", 1),
        ({"ejected": True}, "DOWN", 0),
        ({"checked": False}, "no check", 2),
        ({"checked": False, "ejected": True}, "DOWN", 0),
        ({"admin": Admin.MAINTENANCE}, "MAINT", 0),
        ({"admin": Admin.DRAIN}, "DRAIN", 2),
        ({"admin": Admin.DRAIN, "health": 0}, "DOWN", 0),
        ({"admin": Admin.DRAIN, "effective_weight": 0.5}, "DRAIN", 2),
    ],
)
def test_states(changes: dict[str, object], status: str, operation: int) -> None:
    assert word(**changes) == status
    assert operation_of(backend(**changes)) == operation


def test_health_is_the_counter_of_the_checks() -> None:
    assert health_of(backend()) == CheckHealth(4, 2, 3)
    assert health_of(backend(ejected=True)) == CheckHealth(0, 2, 3)
    assert health_of(backend(checked=False)) is None
