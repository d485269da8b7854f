from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import pytest

from trio_balancer.config.model import ListenerConfig
from trio_balancer.config.model_access import AccessConfig
from trio_balancer.flow.listener import ListenerState
from trio_balancer.flow.terms import Terms
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENT = inet_address("198.51.100.7", 1234)


@pytest.fixture
def terms() -> Callable[..., Terms]:
    default = ListenerConfig("web", (inet_address("10.0.0.1", 80),), "app")
    return lambda **settings: Terms(attrs.evolve(default, **settings), {})


async def test_a_limit_follows_the_file_unless_an_operator_has_set_another(
    terms: Callable[..., Terms],
) -> None:
    listener = ListenerState.start(terms(max_connections=5), 0.0)
    assert listener.limiter.total_tokens == 5
    listener.adopt(terms(max_connections=6), 1.0)
    assert listener.limiter.total_tokens == 6
    listener.limiter.total_tokens = 2
    listener.adopt(terms(max_connections=6, idle_timeout=1.0), 2.0)
    assert listener.limiter.total_tokens == 2
    assert listener.config.idle_timeout == 1.0
    listener.adopt(terms(), 3.0)
    assert listener.limiter.total_tokens == math.inf


async def test_rules_that_went_are_kept_for_those_they_have_counted(
    terms: Callable[..., Terms],
) -> None:
    one_each = AccessConfig(max_per_client=1)
    listener = ListenerState.start(terms(access=one_each), 0.0)
    access = listener.access
    assert access is not None
    assert access.admit(CLIENT, 0.0, 0.0) is None
    listener.adopt(terms(), 1.0)
    assert listener.access is access
    assert access.admit(CLIENT, 1.0, 1.0) is None, "nothing is asked any more"
    access.leave(CLIENT)
    listener.adopt(terms(access=one_each), 2.0)
    assert access.admit(CLIENT, 2.0, 2.0) is not None
    access.leave(CLIENT)
    assert access.admit(CLIENT, 2.0, 2.0) is None


async def test_rules_may_come_later(terms: Callable[..., Terms]) -> None:
    listener = ListenerState.start(terms(), 0.0)
    assert not listener.screens
    listener.adopt(terms(), 1.0)
    assert listener.access is None
    listener.adopt(terms(access=AccessConfig(max_per_client=1)), 2.0)
    assert listener.screens
