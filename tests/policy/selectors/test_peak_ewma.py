from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.policy.selectors import PeakEwma

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.policy import Backend
    from trio_balancer.wire.address import InetAddress

    Backends = Callable[..., tuple[Backend, ...]]


def test_the_quick_are_preferred_until_they_are_busy(
    backends: Backends, client: InetAddress
) -> None:
    slow, quick = among = backends(1, 1)
    slow.connect_ewma.succeeded(0.4, 0.0)
    quick.connect_ewma.succeeded(0.1, 0.0)
    selector = PeakEwma()
    chosen = ""
    for _ in range(10):
        best = selector.choose(among, client, 0.0)
        best.active += 1
        chosen += best.name
    assert chosen.count("b") == 8
    assert chosen.startswith("bbb")


def test_weights_count(backends: Backends, client: InetAddress) -> None:
    selector, among = PeakEwma(), backends(3, 1)
    for _ in range(40):
        selector.choose(among, client, 0.0).active += 1
    assert [backend.active for backend in among] == [30, 10]


def test_a_backend_that_refuses_is_avoided_and_tried_again_later(
    backends: Backends, client: InetAddress
) -> None:
    good, bad = among = backends(1, 1)
    good.connect_ewma.succeeded(0.05, 0.0)
    bad.connect_ewma.failed(0.001, 0.0)
    selector = PeakEwma()
    assert {selector.choose(among, client, 0.0) for _ in range(5)} == {good}
    good.connect_ewma.succeeded(0.05, 60.0)
    assert selector.choose(among, client, 60.0) is bad


def test_equals_take_turns(backends: Backends, client: InetAddress) -> None:
    selector, among = PeakEwma(), backends(1, 1, 1)
    assert "".join(selector.choose(among, client, 0.0).name for _ in range(6)) == "abcabc"
