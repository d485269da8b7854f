"""The room as a whole: what is written is what is read, and nothing else gets out."""

from __future__ import annotations

import math
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trio_balancer.config import Config, ConfigError, parse_config
from trio_balancer.config.model import Overflow, Policy, WhenDown

if TYPE_CHECKING:
    from collections.abc import Sequence

SMALL = """
[listeners.web]
bind = "127.0.0.1:0"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
"""

# Fuzzing: whatever is written, the answer is a Config or a ConfigError.

# fmt: off
WORDS = st.sampled_from([
    "balancer", "log", "listeners", "web", "pools", "app", "backends", "health", "outlier",
    "bind", "pool", "address", "name", "weight", "max_connections", "idle_timeout", "policy",
    "type", "path", "status", "send", "expect", "port", "mode", "file", "v6only", "hold_timeout",
    "when_down", "connect_attempts", "lifetime_jitter",
])
SCALARS = st.sampled_from([
    "1", "0", "-1", "1.5", "nan", "inf", "true", "1e400", "0xffffffffffffffffffffff",
    "1979-05-27", "07:32:00", "''", "'x'", "'5s'", "'off'", "'127.0.0.1:80'", "'[::]:80'",
    "'unix:a'", "'a:1'", "'200-399'", "'all'", "'http'", "'expect'", "'hold'", "'0660'", "'/'",
    r'"\u0000"', r'"\n"', "'%'", "'[::1%]:1'", "'-'", "'syslog:x'",
    f"0x{'f' * 6000}",
])
# fmt: on
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(WORDS, inner, max_size=3).map(
            lambda table: "{" + ", ".join(f"{key} = {value}" for key, value in table.items()) + "}"
        )
    ),
    max_leaves=5,
)
KEYS = st.lists(WORDS, min_size=1, max_size=3).map(".".join)
LINES = st.one_of(
    st.builds("{} = {}".format, KEYS, VALUES),
    KEYS.map("[{}]".format),
    KEYS.map("[[{}]]".format),
    st.sampled_from(
        ["[listeners.web]", "[pools.app]", "[pools.app.health]", "[[pools.app.backends]]"]
    ),
)


def _told(text: str, overrides: Sequence[str] = ()) -> Config | list[str]:
    try:
        return parse_config(text, overrides=overrides)
    except ConfigError as error:
        return [str(problem) for problem in error.problems]


def _is_config_or_sentences(told: Config | list[str]) -> bool:
    return isinstance(told, Config) or (
        told != [] and all(problem.isprintable() for problem in told)
    )


@given(st.lists(LINES, max_size=12).map("\n".join))
@example("listeners = 1\npools = [1]\n")
def test_any_lines_are_parsed_or_refused(text: str) -> None:
    assert _is_config_or_sentences(_told(text))


@given(st.lists(st.builds("{}={}".format, KEYS, VALUES | st.text(st.characters())), max_size=6))
def test_any_overrides_are_applied_or_refused(overrides: list[str]) -> None:
    assert _is_config_or_sentences(_told(SMALL, overrides))


@given(st.text(st.characters()))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_config(text)


# A valid configuration, written as text, parses to the same values.

NAMES = st.text(st.sampled_from("abc-_é."), min_size=1, max_size=5)
DURATIONS = st.integers(1, 9999).map(lambda number: (f"{number}ms", number * 0.001)) | st.integers(
    1, 999
).flatmap(
    lambda number: st.sampled_from(
        [(f"{number}s", number), (f"{number}.5m", number * 60 + 30), (f"{number}h", number * 3600)]
    )
)
POOLS = st.dictionaries(
    NAMES,
    st.fixed_dictionaries(
        {
            "policy": st.sampled_from(Policy),
            "when_down": st.sampled_from(WhenDown),
            "connect_timeout": DURATIONS,
            "queue_timeout": DURATIONS | st.just(("off", math.inf)),
            "queue_limit": st.integers(0, 10**6),
            "ports": st.lists(st.integers(1, 65535), min_size=1, max_size=4, unique=True),
            "weight": st.integers(0, 256),
        }
    ),
    min_size=1,
    max_size=3,
)
LISTENERS = st.dictionaries(
    NAMES,
    st.fixed_dictionaries(
        {
            "pool": st.integers(0, 100),
            "max_connections": st.integers(1, 10**6),
            "overflow": st.sampled_from(Overflow),
            "idle_timeout": DURATIONS,
            "lifetime_jitter": st.floats(0, 1),
            "v6only": st.booleans(),
        }
    ),
    min_size=1,
    max_size=3,
)


def _write(pools: dict[str, dict[str, Any]], listeners: dict[str, dict[str, Any]]) -> str:
    lines: list[str] = []
    for name, listener in listeners.items():
        pool = list(pools)[listener["pool"] % len(pools)]
        lines += [
            f'[listeners."{name}"]',
            'bind = ["127.0.0.1:0", "[::1]:0"]',
            f"pool = '{pool}'",
            f"max_connections = {listener['max_connections']}",
            f"overflow = '{listener['overflow'].value}'  # \"not a string",
            f"idle_timeout = '{listener['idle_timeout'][0]}'",
            f"lifetime_jitter = {listener['lifetime_jitter']!r}",
            f"v6only = {str(listener['v6only']).lower()}",
        ]
    for name, pool in pools.items():
        lines += [
            f'[pools."{name}"]',
            f"policy = '{pool['policy'].value}'",
            f"when_down = '{pool['when_down'].value}'",
            f"connect_timeout = '{pool['connect_timeout'][0]}'",
            f"queue_timeout = '{pool['queue_timeout'][0]}'",
            f"queue_limit = {pool['queue_limit']}",
        ]
        for port in pool["ports"]:
            lines += [
                f'[[pools."{name}".backends]]',
                f"address = 'a.example:{port}'",
                f"weight = {pool['weight']}",
            ]
    return "\n".join(lines)


@given(POOLS, LISTENERS)
def test_what_is_written_is_what_is_read(
    pools: dict[str, dict[str, Any]], listeners: dict[str, dict[str, Any]]
) -> None:
    config = parse_config(_write(pools, listeners), base=PurePath("/etc"))
    assert list(config.pools) == list(pools)
    assert list(config.listeners) == list(listeners)
    for name, written in pools.items():
        pool = config.pools[name]
        assert pool.name == name
        assert (pool.policy, pool.when_down) == (written["policy"], written["when_down"])
        assert pool.connect_timeout == written["connect_timeout"][1]
        assert pool.queue_timeout == written["queue_timeout"][1]
        assert pool.queue_limit == written["queue_limit"]
        assert [str(backend.address) for backend in pool.backends] == [
            f"a.example:{port}" for port in written["ports"]
        ]
        assert {backend.weight for backend in pool.backends} == {written["weight"]}
    for name, written in listeners.items():
        listener = config.listeners[name]
        assert listener.name == name
        assert listener.pool == list(pools)[written["pool"] % len(pools)]
        for key in ("max_connections", "overflow", "lifetime_jitter", "v6only"):
            assert getattr(listener, key) == written[key]
        assert listener.idle_timeout == written["idle_timeout"][1]
