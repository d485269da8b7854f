from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trio_balancer.policy import Admin, Unavailable
from trio_balancer.policy.availability import candidates, tiers_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.config.model import BackendConfig
    from trio_balancer.policy import Backend, Pool


@pytest.fixture
def four(make_pool: Callable[..., Pool], config: Callable[..., BackendConfig]) -> list[Backend]:
    """Return a, b and the backups y, z, each for one connection."""
    regular = [config(name, max_connections=1) for name in "ab"]
    backups = [config(name, max_connections=1, backup=True) for name in "yz"]
    return make_pool(*regular, *backups).backends


def names(four: list[Backend], tried: str = "", *, panic: bool = False) -> str | Unavailable:
    by_name = {backend.name: backend for backend in four}
    found = candidates(tiers_of(four, panic=panic), [by_name[name] for name in tried])
    return found if isinstance(found, Unavailable) else "".join(b.name for b in found)


def test_backups_serve_last(four: list[Backend]) -> None:
    assert names(four) == "ab"
    four[0].active = 1
    assert names(four) == "b"
    four[1].active = 1
    assert names(four) == "yz"


def test_backups_serve_when_no_other_is_up(four: list[Backend]) -> None:
    four[0].health.failed()
    assert names(four) == "b"
    four[1].health.failed()
    assert names(four) == "yz"


def test_full_and_down_are_told_apart(four: list[Backend]) -> None:
    for backend in four:
        backend.active = 1
    assert names(four) is Unavailable.FULL
    for backend in four:
        backend.health.failed()
    assert names(four) is Unavailable.DOWN


def test_the_untried_come_first_backups_included(four: list[Backend]) -> None:
    assert names(four, "a") == "b"
    assert names(four, "ab") == "yz"
    assert names(four, "aby") == "z"
    assert names(four, "abyz") == "ab"


def test_an_untried_one_is_waited_for_while_it_is_up(four: list[Backend]) -> None:
    four[3].active = 1
    assert names(four, "aby") is Unavailable.FULL
    four[3].health.failed()
    assert names(four, "aby") == "ab"


def test_all_tried_and_all_full(four: list[Backend]) -> None:
    for backend in four:
        backend.active = 1
    assert names(four, "abyz") is Unavailable.FULL


def test_weight_zero_drain_and_maintenance_serve_nobody_even_in_panic(
    backends: Callable[..., tuple[Backend, ...]],
) -> None:
    a, b, c, d = backends(1, 0, 1, 1)
    b.health.failed()
    c.admin, d.admin = Admin.DRAIN, Admin.MAINTENANCE
    a.health.failed()
    assert tiers_of([a, b, c, d], panic=False) == ()
    assert tiers_of([a, b, c, d], panic=True) == ((a,),)


def test_panic_only_when_nobody_is_up(four: list[Backend]) -> None:
    four[0].health.failed()
    assert names(four, panic=True) == "b"
    for backend in four[1:]:
        backend.health.failed()
    assert names(four, panic=True) == "ab"
