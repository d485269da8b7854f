from __future__ import annotations

import pytest

from trio_balancer.faults import Scope, Subject, make_fault, on_listener, on_pool
from trio_balancer.faults.subject import Installed, Meetings
from trio_balancer.wire.address import SocketAddress, UnixAddress, inet_address

CLIENT = inet_address("10.1.2.3", 4000)
WEB, APP = on_listener("web"), on_pool("app")


def install(scope: Scope = WEB, **table: object) -> Installed:
    return Installed(scope, make_fault({"type": "noop", **table}), 1)


def meetings(number: int = 1, client: SocketAddress = CLIENT, seed: int = 7) -> Meetings:
    return Meetings(Subject(number, "web", client), seed)


def hit(installed: Installed, *numbers: int) -> list[int]:
    return [number for number in numbers if meetings(number).rng_if_hit(installed)]


def test_every_connection_of_the_listener() -> None:
    assert hit(install(), 1, 2) == [1, 2]
    assert hit(install(on_listener("other")), 1, 2) == []


def test_a_pool_once_it_is_known() -> None:
    installed, subject = install(APP), meetings()
    assert subject.rng_if_hit(installed) is None
    subject.subject.pool = "app"
    assert subject.rng_if_hit(installed) is not None


def test_a_backend_once_it_is_known() -> None:
    installed, subject = install(APP, match={"backend": "b"}), meetings()
    subject.subject.pool, subject.subject.backend = "app", "a"
    assert subject.rng_if_hit(installed) is None
    subject.subject.backend = "b"
    rng = subject.rng_if_hit(installed)
    assert rng is not None
    subject.subject.backend = "a"
    assert subject.rng_if_hit(installed) is None, "another attempt is at another backend"
    subject.subject.backend = "b"
    assert subject.rng_if_hit(installed) is rng
    assert installed.met == 1


@pytest.mark.parametrize(
    ("match", "client", "fits"),
    [
        ("10.0.0.0/8", CLIENT, True),
        ("10.1.2.3", CLIENT, True),
        ("10.1.2.4", CLIENT, False),
        ("::/0", CLIENT, False),
        ("unix:", CLIENT, False),
        ("unix:", UnixAddress("/x"), True),
        ("10.0.0.0/8", UnixAddress("/x"), False),
    ],
)
def test_clients(match: str, client: SocketAddress, *, fits: bool) -> None:
    installed = install(match={"client": match})
    assert (meetings(client=client).rng_if_hit(installed) is not None) is fits


def test_the_first_ones() -> None:
    assert hit(install(match={"first": 2}), 5, 6, 7, 8) == [5, 6]


def test_the_nth() -> None:
    assert hit(install(match={"nth": 3}), 5, 6, 7, 8) == [7]


def test_the_first_of_those_that_the_rest_fits() -> None:
    installed = install(match={"first": 1, "client": "10.9.9.9"})
    assert meetings(1).rng_if_hit(installed) is None
    other = inet_address("10.9.9.9", 1)
    assert meetings(2, other).rng_if_hit(installed) is not None
    assert meetings(3, other).rng_if_hit(installed) is None


def test_a_share_which_is_drawn_once() -> None:
    installed = install(toxicity=0.3)
    found = hit(installed, *range(1000))
    assert len(found) == pytest.approx(300, abs=50)
    assert hit(installed, *range(1000)) == found


def test_all_or_nobody() -> None:
    assert hit(install(toxicity=0), *range(100)) == []
    assert hit(install(toxicity=1), *range(100)) == list(range(100))


def test_another_toxicity_draws_nothing_anew() -> None:
    installed = install(toxicity=0)
    asked = [meetings(number) for number in range(100)]
    counts = []
    for toxicity in (0, 0.5, 0.2, 0.5):
        installed.fault = make_fault({"type": "noop", "toxicity": toxicity})
        counts.append(sum(each.rng_if_hit(installed) is not None for each in asked))
    assert counts[0] == 0
    assert 0 < counts[2] < counts[1] < 100
    assert counts[1] == counts[3]
    assert installed.met == 100


def draws(seed: int, number: int, name: str) -> float:
    rng = meetings(number, seed=seed).rng_if_hit(install(name=name))
    assert rng is not None
    return rng.random()


def test_the_same_seed_draws_the_same() -> None:
    assert draws(1, 2, "a") == draws(1, 2, "a")
    assert len({draws(1, 2, "a"), draws(2, 2, "a"), draws(1, 3, "a"), draws(1, 2, "b")}) == 4
    # In every process and every version of Python.
    assert draws(1, 2, "a") == 0.43792704910124414


def test_those_that_come_are_met_at_once_and_those_that_go_are_forgotten() -> None:
    installed, other, subject = install(), install(on_listener("other")), meetings()
    subject.follow([installed, other])
    assert (installed.met, other.met) == (1, 0)
    rng = subject.rng_if_hit(installed)
    subject.follow([installed])
    assert subject.rng_if_hit(installed) is rng
    subject.follow([])
    assert subject.rng_if_hit(installed) is not rng
    assert installed.met == 2


def test_a_client_that_is_not_known_yet() -> None:
    subject = Meetings(Subject(1, "web", None), seed=7)
    installed, for_client = install(), install(match={"client": "10.0.0.0/8"})
    subject.follow([installed, for_client])
    assert (installed.met, for_client.met) == (1, 0)
    subject.subject.client = CLIENT
    assert subject.rng_if_hit(for_client) is not None
