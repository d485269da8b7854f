from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.policy.selectors import RoundRobin

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.policy import Backend
    from trio_balancer.wire.address import InetAddress

    Backends = Callable[..., tuple[Backend, ...]]

WEIGHTS = st.lists(st.integers(1, 256), min_size=1, max_size=8)


def order(selector: RoundRobin, among: tuple[Backend, ...], client: InetAddress, count: int) -> str:
    return "".join(selector.choose(among, client, 0.0).name for _ in range(count))


def test_equal_ones_take_turns(backends: Backends, client: InetAddress) -> None:
    assert order(RoundRobin(), backends(1, 1, 1), client, 9) == "abcabcabc"


def test_the_heavy_are_spread_out(backends: Backends, client: InetAddress) -> None:
    assert order(RoundRobin(), backends(5, 1, 1), client, 14) == "aabacaaaabacaa"


@given(weights=WEIGHTS)
def test_over_a_round_each_is_chosen_its_weight_times(
    weights: list[int], backends: Backends, client: InetAddress
) -> None:
    selector, among = RoundRobin(), backends(*weights)
    for _ in range(2):
        chosen = Counter(order(selector, among, client, sum(weights)))
        assert chosen == {backend.name: backend.weight for backend in among}


@given(weights=WEIGHTS)
def test_nobody_is_ever_ahead_of_its_share_by_a_whole_turn(
    weights: list[int], backends: Backends, client: InetAddress
) -> None:
    selector, among = RoundRobin(), backends(*weights)
    chosen = dict.fromkeys(among, 0)
    for count in range(1, sum(weights) + 1):
        best = selector.choose(among, client, 0.0)
        chosen[best] += 1
        assert chosen[best] < count * best.weight / sum(weights) + 1


@given(
    weights=WEIGHTS,
    absences=st.lists(st.tuples(st.integers(0, 255), st.integers(1, 20)), max_size=20),
)
def test_who_was_away_comes_back_without_a_burst(
    weights: list[int],
    absences: list[tuple[int, int]],
    backends: Backends,
    client: InetAddress,
) -> None:
    selector, everybody = RoundRobin(), backends(1, *([1] * len(weights)))
    for away, choices in absences:
        some = tuple(b for i, b in enumerate(everybody) if not away >> i & 1)
        if some:
            order(selector, some, client, choices)
    rounds = 4
    chosen = Counter(order(selector, everybody, client, rounds * len(everybody)))
    assert max(chosen.values()) <= rounds + 2


def test_a_heavy_one_made_light_keeps_no_credit(backends: Backends, client: InetAddress) -> None:
    selector, among = RoundRobin(), backends(256, 256)
    assert order(selector, among, client, 1) == "a"
    for backend in among:
        backend.weight = 1
    assert order(selector, among, client, 4) == "baba"


def test_a_flapping_neighbour_does_not_favour_anybody(
    backends: Backends, client: InetAddress
) -> None:
    selector = RoundRobin()
    among = backends(1, 1, 1)
    chosen: Counter[str] = Counter()
    for _ in range(300):
        chosen.update(order(selector, among, client, 1))
        chosen.update(order(selector, among[:2], client, 1))
    # A third of 300 for each, and half of 300 for a and b.
    assert abs(chosen["a"] - 250) <= 2
    assert abs(chosen["b"] - 250) <= 2


def test_slow_start_takes_part_of_the_share(backends: Backends, client: InetAddress) -> None:
    selector, among = RoundRobin(), backends(1, 1)
    among[1].slow_start.duration = 100.0
    among[1].slow_start.begin(0.0)
    assert Counter(order(selector, among, client, 110)) == {"a": 100, "b": 10}
