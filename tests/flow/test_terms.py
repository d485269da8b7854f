from __future__ import annotations

import random

import attrs
import pytest

from trio_balancer import parse_config
from trio_balancer.flow.terms import Terms
from trio_balancer.network.seam import SocketOptions
from trio_balancer.policy import Admin, Pool

TEXT = """
[listeners.web]
bind = "10.0.0.1:80"
pool = "app"
keepalive = "9s"
user_timeout = "7s"
{more}
[pools.app]
backends = ["10.0.1.1:80"]
[pools.other]
backends = ["10.0.1.2:80"]
"""
ROUTES = '[[listeners.web.routes]]\nplain = true\npool = "other"\n'
PROXY = '[listeners.web.proxy_protocol]\ntrusted = ["10.0.0.0/8"]\n'


def make(more: str = "") -> Terms:
    config = parse_config(TEXT.format(more=more))
    pools = {name: Pool(each, now=0.0, rng=random.Random(1)) for name, each in config.pools.items()}
    return Terms(config.listeners["web"], pools)


def test_both_legs_get_its_options() -> None:
    assert make().options == SocketOptions(keepalive=9.0, user_timeout=7.0)


@pytest.mark.parametrize(("more", "greets"), [("", False), (ROUTES, True), (PROXY, True)])
def test_whether_a_client_must_say_something_first(more: str, greets: bool) -> None:  # noqa: FBT001  # a table
    terms = make(more)
    assert terms.greets is greets
    assert (terms.routes is not None) is (more == ROUTES)
    assert (terms.trust is not None) is (more == PROXY)


def test_it_is_served_while_one_pool_has_a_backend_that_is_up() -> None:
    terms = make(ROUTES)
    app, other = terms.pools.values()
    assert terms.is_served()
    app.set_admin(app.backends[0], Admin.DRAIN, 0.0)
    assert terms.is_served()
    other.set_admin(other.backends[0], Admin.DRAIN, 0.0)
    assert not terms.is_served()
    only_routes = attrs.evolve(terms.config, pool=None)
    assert not Terms(only_routes, terms.pools).is_served()
