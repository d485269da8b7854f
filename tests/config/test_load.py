from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trio_balancer.config import ConfigError, load_config, parse_config
from trio_balancer.config.model import Policy
from trio_balancer.config.model_health import HealthConfig
from trio_balancer.wire.address import UnixAddress

if TYPE_CHECKING:
    from pathlib import Path

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
        (
            "balancer.toml:2: balancer.max_connections: "
            "expected a whole number from 1 to 2147483647, got true"
        ),
        "balancer.toml:3: balancer.backlog: expected a whole number from 1 to 65535, got nan",
        (
            "balancer.toml:6: listeners.web.bind[1]: "
            "'127.0.0.1:65536' has a port above 65535, the last one there is"
        ),
        "balancer.toml:6: listeners.web.bind[2]: 127.0.0.1:80 is bound twice",
        "balancer.toml:7: listeners.web.pool: there is no pool 'ap'; did you mean 'app'?",
        "balancer.toml:8: listeners.web.lifetime_jitter: expected a number from 0 to 1, got inf",
        (
            "balancer.toml:9: listeners.web.idle_timeout: "
            'expected a duration above zero like "5s", or "off", got 5; write "5s"'
        ),
        "balancer.toml:12: pools.app.polcy: unknown key; did you mean 'policy'?",
        (
            "balancer.toml:13: pools.app.when_down: "
            "expected one of 'fail', 'panic', 'hold', got 'pannic'; did you mean 'panic'?"
        ),
        (
            "balancer.toml:17: pools.app.backends[0].weight: "
            "expected a whole number from 0 to 256, got 1000000000000000000000000000000"
        ),
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
    [problem] = _problems(text)
    assert problem == (
        "balancer.toml:8: listeners.b.bind: "
        "0.0.0.0:80 overlaps with 127.0.0.1:80, so they cannot both be bound"
    )


def test_what_is_no_toml_is_one_problem_with_its_place() -> None:
    [problem] = _problems("a = 1\nb = \nc = \n")
    assert problem == "balancer.toml:2: this is no TOML: Invalid value (at line 2, column 5)"
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
        (
            "--set pools.app.connect_timeout=2: pools.app.connect_timeout: "
            'expected a duration above zero like "5s", got 2; write "2s"'
        ),
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
