from __future__ import annotations

import attrs
from support.world import BACKEND, OTHER, THIRD, make_config

from trio_balancer.control.difference import Difference, compare


def test_nothing() -> None:
    changes = compare(make_config(), make_config())
    assert str(changes) == "listeners +0 ~0 -0, pools +0 ~0 -0, backends +0 ~0 -0"


def test_everything() -> None:
    old = make_config(backends=(BACKEND, OTHER))
    new = make_config(backends=(OTHER, THIRD), listener='idle_timeout = "1s"')
    pool = new.pools["app"]
    heavier = attrs.evolve(pool.backends[0], weight=9)
    pools = {
        "app": attrs.evolve(pool, backends=(heavier, *pool.backends[1:])),
        "more": attrs.evolve(pool, name="more"),
    }
    changes = compare(old, attrs.evolve(new, pools=pools))
    assert changes.listeners == Difference(added=0, changed=1, removed=0)
    assert changes.pools == Difference(added=1, changed=1, removed=0)
    assert changes.backends == Difference(added=3, changed=1, removed=1)


def test_other_sections_and_renewed_files() -> None:
    old = make_config()
    new = attrs.evolve(
        old,
        balancer=attrs.evolve(old.balancer, drain_timeout=1.0, backlog=9),
        log=attrs.evolve(old.log, connections=False),
    )
    changes = compare(old, new, ("/etc/web.crt", "/etc/web.key"))
    assert changes.settings == ("balancer.backlog", "balancer.drain_timeout", "log.connections")
    assert str(changes) == (
        "listeners +0 ~0 -0, pools +0 ~0 -0, backends +0 ~0 -0; "
        "settings balancer.backlog, balancer.drain_timeout, log.connections; "
        "renewed files /etc/web.crt, /etc/web.key"
    )


def test_another_address_is_another_backend() -> None:
    old, new = make_config(backends=(BACKEND,)), make_config(backends=(BACKEND,))
    pool = new.pools["app"]
    moved = attrs.evolve(pool.backends[0], address=OTHER)
    changes = compare(old, attrs.evolve(new, pools={"app": attrs.evolve(pool, backends=(moved,))}))
    assert str(changes.backends) == "+1 ~0 -1"
