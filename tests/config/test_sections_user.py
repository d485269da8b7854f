from __future__ import annotations

import pytest

from trio_balancer import ConfigError, parse_config
from trio_balancer.config.model import BalancerConfig

CONFIG = """
[balancer]
{balancer}
[listeners.web]
bind = "127.0.0.1:80"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9"]
"""


def read(balancer: str) -> BalancerConfig:
    return parse_config(CONFIG.format(balancer=balancer)).balancer


def test_nobody_is_the_default() -> None:
    assert (read("").user, read("").group) == (None, None)


def test_a_user_and_a_group() -> None:
    config = read('user = "balancer"\ngroup = "ssl-cert"')
    assert (config.user, config.group) == ("balancer", "ssl-cert")


@pytest.mark.parametrize(
    ("balancer", "problem"),
    [
        ('group = "ssl-cert"', "balancer.group: is only for a user"),
        ("user = 1000", "balancer.user: expected text, got 1000"),
        ('user = ""', "balancer.user: expected text, got ''"),
    ],
)
def test_mistakes(balancer: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(balancer)
    assert problem in str(caught.value)
