from __future__ import annotations

import pytest

from trio_balancer.config import ConfigError
from trio_balancer.testing.toxiproxy.standalone import config_without_file, read_api_address


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("127.0.0.1:8474", "http://127.0.0.1:8474"),
        ("[::1]:0", "http://[::1]:0"),
        ("localhost:1", "http://localhost:1"),
    ],
)
def test_where_the_api_listens(text: str, url: str) -> None:
    assert read_api_address(text).url == url


@pytest.mark.parametrize("text", ["", "8474", "unix:/run/a.sock"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="address"):
        read_api_address(text)


def test_a_configuration_of_overrides_alone() -> None:
    config = config_without_file(["balancer.faults=true", "log.level=debug"])
    assert (config.listeners, config.pools) == ({}, {})
    assert config.balancer.faults


def test_wrong_overrides_are_told() -> None:
    with pytest.raises(ConfigError, match=r"log\.level"):
        config_without_file(["log.level=loud"])
