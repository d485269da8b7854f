from __future__ import annotations

from pathlib import Path

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer import Config, ConfigError, parse_config
from trio_balancer.config.model import LogFormat, Policy
from trio_balancer.config.model_health import CheckType
from trio_balancer.testing.harness_config import (
    ConfigOrBackends,
    _toml,
    backend_address,
    make_config,
)
from trio_balancer.wire.address import NamedAddress, inet_address

TEXT = """
[listeners.web]
bind = "127.0.0.1:0"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
"""
TABLES = {
    "balancer": {"drain_timeout": "1s", "max_connections": 100, "splice": False},
    "listeners": {"web": {"bind": ["127.0.0.1:0"], "pool": "app", "lifetime_jitter": 0.5}},
    "pools": {"app": {"backends": ("127.0.0.1:9001",)}},
}


def addresses(config: Config, pool: str = "app") -> list[str]:
    return [str(backend.address) for backend in config.pools[pool].backends]


@pytest.mark.parametrize("source", ["text", "path", "path as text", "dict", "config"])
def test_a_configuration_may_come_as_anything(tmp_path: Path, source: str) -> None:
    path = tmp_path / "balancer.toml"
    path.write_text(TEXT)
    forms: dict[str, ConfigOrBackends] = {
        "text": TEXT,
        "path": path,
        "path as text": str(path),
        "dict": TABLES,
        "config": parse_config(TEXT),
    }
    config = make_config(forms[source])
    assert list(config.listeners) == ["web"]
    assert addresses(config) == ["127.0.0.1:9001"]
    assert config.pools["app"].health.type is CheckType.TCP, "as the configuration says"
    assert config.log.format is LogFormat.JSON, "whatever it says: the harness reads the log"


@pytest.mark.parametrize("config", [TEXT, TABLES, ["127.0.0.1:9001"]])
def test_faults_need_no_leave(config: ConfigOrBackends) -> None:
    changes = ['pools.app.faults=[{type="noop"}]']
    assert len(make_config(config, changes).pools["app"].faults) == 1


def test_a_dict_keeps_every_kind_of_value() -> None:
    config = make_config(TABLES)
    assert config.balancer.drain_timeout == 1
    assert config.balancer.max_connections == 100
    assert config.balancer.splice is False
    assert config.listeners["web"].lifetime_jitter == 0.5


def test_backends_get_a_front_and_no_checks() -> None:
    config = make_config([("127.0.0.1", 9001), "127.0.0.1:9002", inet_address("::1", 9003)])
    assert addresses(config) == ["127.0.0.1:9001", "127.0.0.1:9002", "[::1]:9003"]
    assert config.pools["app"].health.type is CheckType.NONE
    assert config.pools["app"].policy is Policy.ROUND_ROBIN
    assert str(config.listeners["front"].bind[0]) == "127.0.0.1:0"


def test_backends_may_come_later() -> None:
    assert addresses(make_config([])) == []


def test_overrides_change_what_is_given() -> None:
    changes = ["pools.app.policy=first", "pools.app.health.type=tcp"]
    pool = make_config(["127.0.0.1:9001"], changes).pools["app"]
    assert (pool.policy, pool.health.type) == (Policy.FIRST, CheckType.TCP)
    assert make_config([], changes).pools["app"].policy is Policy.FIRST
    with pytest.raises(TypeError, match="not a Config"):
        make_config(parse_config(TEXT), changes)


def test_mistakes_are_told_as_ever() -> None:
    with pytest.raises(ConfigError, match="no port"):
        make_config(["127.0.0.1:http"])
    with pytest.raises(ConfigError, match="cannot be read"):
        make_config("nowhere.toml")
    with pytest.raises(TypeError, match="no place for None"):
        make_config({"balancer": {"backlog": None}})


def test_addresses_of_backends() -> None:
    assert backend_address(("::1", 80)) == inet_address("::1", 80)
    assert backend_address(("localhost", 80)) == NamedAddress("localhost", 80)
    with pytest.raises(ValueError, match="port above"):
        backend_address("127.0.0.1:99999")


# Surrogates are no text: no file could hold them.
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_VALUES = st.recursive(
    _TEXTS | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner),
    max_leaves=10,
)


@given(st.dictionaries(_TEXTS, _VALUES))
def test_any_tables_are_written_as_toml(tables: dict[str, object]) -> None:
    assert tomli.loads(_toml(tables)) == tables
