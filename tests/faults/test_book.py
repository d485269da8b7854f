from __future__ import annotations

from collections.abc import Callable

import pytest
from support.world import make_config

from trio_balancer import Config
from trio_balancer.config.model_faults import Fault
from trio_balancer.faults import (
    FaultBook,
    FaultError,
    FaultErrorCode,
    FaultNews,
    InstalledFault,
    make_fault,
    on_listener,
    on_pool,
)

WEB, APP = on_listener("web"), on_pool("app")
NOOP = make_fault({"type": "noop"})
LATENCY = make_fault({"type": "latency", "attributes": {"latency": 100}})


@pytest.fixture
def book() -> FaultBook:
    book = FaultBook(1)
    book.configure(make_config())
    return book


def configured(listener: str = "", pool: str = "") -> Config:
    """Write a configuration with a fault on the listener, on the pool, or on both."""
    faults = [
        f"[[{section}.faults]]\n{fault}\n"
        for section, fault in (("listeners.web", listener), ("pools.app", pool))
        if fault
    ]
    return make_config(
        balancer="faults = true", more='[pools.app.health]\ntype = "none"\n' + "".join(faults)
    )


def names(book: FaultBook) -> list[str]:
    return [f"{each.scope}.{each.fault.name}" for each in book.list()]


def test_added_listed_and_taken_away(book: FaultBook) -> None:
    assert book.add(APP, LATENCY) is LATENCY
    assert book.add(WEB, NOOP) is NOOP
    assert book.list() == (InstalledFault(APP, LATENCY), InstalledFault(WEB, NOOP))
    assert book.list(WEB) == (InstalledFault(WEB, NOOP),)
    assert book.get(WEB, NOOP.name) is NOOP
    assert book.remove(APP, LATENCY.name) is LATENCY
    assert book.list() == (InstalledFault(WEB, NOOP),)


def test_changed(book: FaultBook) -> None:
    book.add(WEB, LATENCY)
    assert book.update(WEB, LATENCY.name, attributes={"jitter": 5}).attributes == {
        "latency": 100,
        "jitter": 5,
    }
    assert book.update(WEB, LATENCY.name, toxicity=0.5).toxicity == 0.5
    assert book.get(WEB, LATENCY.name).attributes == {"latency": 100, "jitter": 5}


def test_wrong_values_change_nothing(book: FaultBook) -> None:
    book.add(WEB, LATENCY)
    with pytest.raises(FaultError) as caught:
        book.update(WEB, LATENCY.name, attributes={"latency": "x"})
    assert caught.value.code is FaultErrorCode.INVALID_VALUE
    assert book.get(WEB, LATENCY.name) is LATENCY


def test_reset(book: FaultBook) -> None:
    book.add(WEB, NOOP)
    book.add(APP, NOOP)
    book.reset(WEB)
    assert names(book) == ["pools.app.noop_downstream"]
    book.reset()
    assert book.list() == ()


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda book: book.add(WEB, NOOP), FaultErrorCode.EXISTS),
        (lambda book: book.add(on_pool("web"), NOOP), FaultErrorCode.NO_SCOPE),
        (lambda book: book.remove(on_listener("app"), "x"), FaultErrorCode.NO_SCOPE),
        (lambda book: book.list(on_listener("app")), FaultErrorCode.NO_SCOPE),
        (lambda book: book.reset(on_listener("app")), FaultErrorCode.NO_SCOPE),
        (lambda book: book.remove(WEB, "x"), FaultErrorCode.NOT_FOUND),
        (lambda book: book.get(APP, NOOP.name), FaultErrorCode.NOT_FOUND),
        (lambda book: book.update(WEB, "x", toxicity=1), FaultErrorCode.NOT_FOUND),
    ],
)
def test_mistakes(
    book: FaultBook, act: Callable[[FaultBook], object], code: FaultErrorCode
) -> None:
    book.add(WEB, NOOP)
    with pytest.raises(FaultError) as caught:
        act(book)
    assert caught.value.code is code
    assert names(book) == ["listeners.web.noop_downstream"]


def test_observers_hear_of_each(book: FaultBook) -> None:
    heard: list[tuple[Fault, FaultNews]] = []
    book.observers.append(lambda installed, news: heard.append((installed.fault, news)))
    book.add(WEB, NOOP)
    changed = book.update(WEB, NOOP.name, toxicity=0.5)
    book.remove(WEB, NOOP.name)
    assert heard == [
        (NOOP, FaultNews.ADDED),
        (changed, FaultNews.CHANGED),
        (changed, FaultNews.REMOVED),
    ]


# Configured, and configured again


def test_those_of_the_configuration() -> None:
    book = FaultBook(1)
    book.configure(configured('type = "noop"', 'type = "latency"\nname = "slow"'))
    assert names(book) == ["listeners.web.noop_downstream", "pools.app.slow"]


def test_the_same_again_leaves_what_was_done_meanwhile() -> None:
    book = FaultBook(1)
    book.configure(configured('type = "latency"', 'type = "noop"'))
    book.update(WEB, "latency_downstream", attributes={"latency": 7})
    book.remove(APP, "noop_downstream")
    book.add(APP, LATENCY)
    book.configure(configured('type = "latency"', 'type = "noop"'))
    assert names(book) == ["listeners.web.latency_downstream", "pools.app.latency_downstream"]
    assert book.get(WEB, "latency_downstream").attributes["latency"] == 7


def test_others_take_their_place() -> None:
    book = FaultBook(1)
    book.configure(configured('type = "latency"\ntoxicity = 0.5', 'type = "noop"'))
    book.update(WEB, "latency_downstream", toxicity=0.1)
    book.configure(configured('type = "latency"\ntoxicity = 0.7'))
    assert names(book) == ["listeners.web.latency_downstream"]
    assert book.get(WEB, "latency_downstream").toxicity == 0.7


def test_a_scope_that_is_gone_takes_its_faults_along(book: FaultBook) -> None:
    book.add(WEB, NOOP)
    config = make_config()
    listener = config.listeners["web"]
    book.configure(Config({"other": listener}, config.pools))
    assert book.list() == ()
    with pytest.raises(FaultError, match="no listener 'web'"):
        book.add(WEB, NOOP)
