from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config import ConfigError, fit_max_connections, parse_config
from trio_balancer.config.model import BalancerConfig, Config
from trio_balancer.relay.pipes import MAX_PIPES

# Two listening sockets, three backends: 64 + 2 + 3 + 128 files are spoken for.
CONFIG = parse_config("""
[listeners.web]
bind = ["127.0.0.1:0", "[::1]:0"]
pool = "app"
[pools.app]
backends = ["a:1", "b:1"]
[pools.batch]
backends = ["c:1"]
""")
RESERVE = 197


def _limited(max_connections: int) -> Config:
    return attrs.evolve(CONFIG, balancer=BalancerConfig(max_connections))


@pytest.mark.parametrize(
    ("open_files", "limit"),
    [(RESERVE + 2, 1), (RESERVE + 3, 1), (RESERVE + 4, 2), (10**6, 20_000)],
)
def test_the_default_is_what_fits(open_files: int, limit: int) -> None:
    assert fit_max_connections(CONFIG, open_files) == limit


def test_both_ends_of_every_pipe_are_spoken_for() -> None:
    assert 64 + 2 + 3 + 2 * MAX_PIPES == RESERVE


@pytest.mark.parametrize("limit", [1, 10, 50_000])
def test_a_configured_limit_that_fits_is_taken(limit: int) -> None:
    assert fit_max_connections(_limited(limit), RESERVE + 2 * limit) == limit


def test_a_configured_limit_that_does_not_fit_is_told_which_would() -> None:
    with pytest.raises(ConfigError) as caught:
        fit_max_connections(_limited(1000), RESERVE + 2 * 1000 - 1)
    assert str(caught.value) == (
        "balancer.max_connections: 1000 connections need 2197 open files, but the limit is 2196: "
        "at most 999 would fit; raise the limit of open files (ulimit -n)"
    )


@pytest.mark.parametrize("config", [CONFIG, _limited(1)])
@pytest.mark.parametrize("open_files", [RESERVE + 1, 64, 0])
def test_less_than_one_is_refused(config: Config, open_files: int) -> None:
    with pytest.raises(
        ConfigError, match=r"1 connections? need.* 199 open files.*not even one fits"
    ):
        fit_max_connections(config, open_files)


@given(st.integers(0, 10**6), st.none() | st.integers(1, 10**6))
def test_what_is_returned_always_fits(open_files: int, wanted: int | None) -> None:
    config = attrs.evolve(CONFIG, balancer=BalancerConfig(wanted))
    try:
        limit = fit_max_connections(config, open_files)
    except ConfigError:
        assert RESERVE + 2 * (wanted or 1) > open_files
    else:
        assert RESERVE + 2 * limit <= open_files
        assert wanted in {None, limit}
