"""Backends and pools to decide about, with as little to say as possible."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from trio_balancer.config.model import BackendConfig, PoolConfig
from trio_balancer.policy import Backend, Pool
from trio_balancer.wire.address import InetAddress, inet_address

if TYPE_CHECKING:
    from collections.abc import Callable


def _config(name: str, **settings: Any) -> BackendConfig:  # noqa: ANN401 - any setting may be given
    return BackendConfig(name, inet_address("192.0.2.1", ord(name[0])), **settings)


def _backends(*weights: int, now: float = 0.0) -> tuple[Backend, ...]:
    """Return backends a, b, c, … of these weights."""
    configs = tuple(_config(chr(97 + i), weight=weight) for i, weight in enumerate(weights))
    pool = PoolConfig("app", configs)
    return tuple(Backend.start(pool, config, now) for config in configs)


def _pool(*names: str | BackendConfig, **settings: Any) -> Pool:  # noqa: ANN401 - likewise
    """Return a pool of backends, given by name or by configuration, at time 0."""
    given = {key: settings.pop(key) for key in ("notify",) if key in settings}
    configs = tuple(_config(name) if isinstance(name, str) else name for name in names)
    return Pool(PoolConfig("app", configs, **settings), now=0.0, rng=random.Random(7), **given)


# Of the session: they hold nothing, and so go together with hypothesis.
@pytest.fixture(scope="session")
def config() -> Callable[..., BackendConfig]:
    return _config


@pytest.fixture(scope="session")
def backends() -> Callable[..., tuple[Backend, ...]]:
    return _backends


@pytest.fixture(scope="session")
def make_pool() -> Callable[..., Pool]:
    return _pool


@pytest.fixture(scope="session")
def client() -> InetAddress:
    return inet_address("198.51.100.7", 40000)
