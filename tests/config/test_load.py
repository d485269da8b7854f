from __future__ import annotations

import math
from pathlib import Path, PurePath
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trio_balancer.config import Config, ConfigError, load_config, parse_config
from trio_balancer.config.model import HealthConfig, Overflow, Policy, WhenDown
from trio_balancer.wire.address import UnixAddress

SMALL = """\
[listeners.web]
bind = "127.0.0.1:0"
pool = "app"

[pools.app]
backends = ["127.0.0.1:9001"]
"""

BROKEN = """\
[balancer]
max_connections = true
backlog = nan

[listeners.web]
bind = ["127.0.0.1:80", "127.0.0.1:65536", "127.0.0.1:80"]
pool = "ap"
lifetime_jitter = inf
idle_timeout = 5

[pools.app]
polcy = "first"
when_down = "pannic"

[[pools.app.backends]]
address = "127.0.0.1:9001"
weight = 1000000000000000000000000000000
"""


def _problems(text: str, *overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, source="balancer.toml", overrides=overrides)
    return str(caught.value).splitlines()


def test_ten_mistakes_are_ten_readable_problems() -> None:
    assert _problems(BROKEN) == [
        "balancer.toml:2: balancer.max_connections: "
        "expected a whole number from 1 to 2147483647, got true",
        "balancer.toml:3: balancer.backlog: expected a whole number from 1 to 65535, got nan",
        "balancer.toml:6: listeners.web.bind[1]: "
        "'127.0.0.1:65536' has a port above 65535, the last one there is",
        "balancer.toml:6: listeners.web.bind[2]: 127.0.0.1:80 is bound twice",
        "balancer.toml:7: listeners.web.pool: there is no pool 'ap'; did you mean 'app'?",
        "balancer.toml:8: listeners.web.lifetime_jitter: expected a number from 0 to 1, got inf",
        "balancer.toml:9: listeners.web.idle_timeout: "
        'expected a duration above zero like "5s", or "off", got 5; write "5s"',
        "balancer.toml:12: pools.app.polcy: unknown key; did you mean 'policy'?",
        "balancer.toml:13: pools.app.when_down: "
        "expected one of 'fail', 'panic', 'hold', got 'pannic'; did you mean 'panic'?",
        "balancer.toml:17: pools.app.backends[0].weight: "
        "expected a whole number from 0 to 256, got 1000000000000000000000000000000",
    ]


def test_a_small_file_is_enough() -> None:
    config = parse_config(SMALL)
    assert list(config.listeners) == ["web"]
    assert config.listeners["web"].pool == "app"
    assert [str(backend.address) for backend in config.pools["app"].backends] == ["127.0.0.1:9001"]
    assert config.pools["app"].health == HealthConfig()


def test_an_empty_file_is_not() -> None:
    assert _problems("") == [
        "balancer.toml: listeners: at least one [listeners.NAME] is needed",
        "balancer.toml: pools: at least one [pools.NAME] is needed",
    ]


def test_a_listener_is_not_blamed_where_there_are_no_pools() -> None:
    assert _problems('[listeners.web]\nbind = "127.0.0.1:0"\npool = "app"\n') == [
        "balancer.toml: pools: at least one [pools.NAME] is needed"
    ]


def test_a_pool_that_is_missing_is_not_looked_up() -> None:
    assert _problems(SMALL.replace('pool = "app"\n', "")) == [
        "balancer.toml:1: listeners.web.pool: is required, but missing"
    ]


def test_an_address_is_bound_once_in_all_listeners() -> None:
    text = SMALL.replace(":0", ":80") + '[listeners.b]\nbind = "0.0.0.0:80"\npool = "app"\n'
    assert _problems(text) == [
        "balancer.toml:8: listeners.b.bind: "
        "0.0.0.0:80 overlaps with 127.0.0.1:80, so they cannot both be bound"
    ]


@pytest.mark.parametrize("section", ["control", "admin", "listeners.web.access", "pools.app.tls"])
def test_sections_of_features_to_come_are_refused(section: str) -> None:
    assert _problems(f"{SMALL}[{section}]\n") == [f"balancer.toml:7: {section}: unknown key"]


def test_what_is_no_toml_is_one_problem_with_its_place() -> None:
    [problem] = _problems("a = 1\nb = \nc = \n")
    assert problem == ("balancer.toml:2: this is no TOML: Invalid value (at line 2, column 5)")
    assert _problems("a = [") == [
        "balancer.toml: this is no TOML: Invalid value (at end of document)"
    ]


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 10_000, "a = " + "9" * 10_000], ids=["deep", "digits"]
)
def test_what_tomli_gives_up_on_is_one_problem(text: str) -> None:
    [problem] = _problems(text)
    assert problem.startswith("balancer.toml: this TOML cannot be read: ")


def test_overrides_replace_values_in_their_order() -> None:
    overrides = ["pools.app.policy=random", "pools.app.policy=first", 'listeners."b c".x=1']
    config = parse_config(SMALL, overrides=overrides[:2])
    assert config.pools["app"].policy is Policy.FIRST
    assert _problems(SMALL, *overrides)[-1] == (
        '--set listeners."b c".x=1: listeners."b c".x: unknown key'
    )


def test_overrides_make_the_listener_they_name() -> None:
    overrides = ['listeners.b.bind=["127.0.0.1:0"]', "listeners.b.pool=app"]
    assert list(parse_config(SMALL, overrides=overrides).listeners) == ["web", "b"]


def test_overrides_are_named_in_their_problems() -> None:
    assert _problems(SMALL, "pools.app.connect_timeout=2", "nonsense") == [
        "--set nonsense: expected KEY=VALUE, like 'pools.app.connect_timeout=2s'",
        "--set pools.app.connect_timeout=2: pools.app.connect_timeout: "
        'expected a duration above zero like "5s", got 2; write "2s"',
    ]


def test_a_file_is_read_and_its_folder_is_the_base(tmp_path: Path) -> None:
    file = tmp_path / "balancer.toml"
    # As some editors write it: with a byte order mark.
    file.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("127.0.0.1:0", "unix:web.sock").encode())
    config = load_config(file, overrides=["log.file=a.log"])
    assert config.listeners["web"].bind == (UnixAddress(str(tmp_path / "web.sock")),)
    assert config.log.file == str(tmp_path / "a.log")


def test_a_file_is_named_in_its_problems(tmp_path: Path) -> None:
    file = tmp_path / "balancer.toml"
    file.write_text(SMALL + "x = 1\n")
    with pytest.raises(ConfigError) as caught:
        load_config(str(file))
    assert str(caught.value) == f"{file}:7: pools.app.x: unknown key"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "none.toml")
    assert (
        str(caught.value) == f"{tmp_path / 'none.toml'}: cannot be read: No such file or directory"
    )
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_config(tmp_path)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "balancer.toml"
    file.write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigError, match="is not UTF-8 text: invalid start byte at byte 5"):
        load_config(file)


# Fuzzing: whatever is written, the answer is a Config or a ConfigError.

WORDS = st.sampled_from(
    """balancer log listeners web pools app backends health outlier bind pool address name weight
    max_connections idle_timeout policy type path status send expect port mode file v6only
    hold_timeout when_down connect_attempts lifetime_jitter""".split()
)
SCALARS = st.sampled_from(
    """1 0 -1 1.5 nan inf true 1e400 0xffffffffffffffffffffff 1979-05-27 07:32:00 '' 'x' '5s' 'off'
    '127.0.0.1:80' '[::]:80' 'unix:a' 'a:1' '200-399' 'all' 'http' 'expect' 'hold' '0660' '/'
    "\\u0000" "\\n" '%' '[::1%]:1' '-' 'syslog:x'""".split()
) | st.just(f"0x{'f' * 6000}")
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


def _is_told(text: str, *overrides: str) -> None:
    try:
        config = parse_config(text, overrides=overrides)
    except ConfigError as error:
        assert error.problems
        assert len(str(error).split("\n")) == len(error.problems)
    else:
        assert isinstance(config, Config)


@given(st.lists(LINES, max_size=12).map("\n".join))
@example("listeners = 1\npools = [1]\n")
def test_any_lines_are_parsed_or_refused(text: str) -> None:
    _is_told(text)


@given(st.lists(st.builds("{}={}".format, KEYS, VALUES | st.text()), max_size=6))
def test_any_overrides_are_applied_or_refused(overrides: list[str]) -> None:
    _is_told(SMALL, *overrides)


@given(st.text())
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
