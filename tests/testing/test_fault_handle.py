from __future__ import annotations

import pytest
from support.world import make_config

from trio_balancer.faults import FaultBook, FaultError, make_fault, on_listener
from trio_balancer.testing import FaultHandle

WEB = on_listener("web")


@pytest.fixture
def book() -> FaultBook:
    book = FaultBook(1)
    book.configure(make_config())
    return book


@pytest.fixture
def handle(book: FaultBook) -> FaultHandle:
    fault = book.add(WEB, make_fault({"type": "latency", "attributes": {"latency": 100}}))
    return FaultHandle(book, WEB, fault.name)


def test_it_says_which_it_is(handle: FaultHandle) -> None:
    assert handle.name == "latency_downstream"
    assert repr(handle) == "<fault latency_downstream on listeners.web>"


def test_attributes_that_are_not_given_stay(book: FaultBook, handle: FaultHandle) -> None:
    handle.update(jitter=20)
    handle.update(toxicity=0.5)
    fault = book.get(WEB, handle.name)
    assert fault.attributes == {"latency": 100, "jitter": 20}
    assert fault.toxicity == 0.5
    with pytest.raises(FaultError, match="did you mean 'jitter'"):
        handle.update(jiter=20)


def test_taken_away_as_often_as_one_likes(book: FaultBook, handle: FaultHandle) -> None:
    handle.remove()
    assert book.list() == ()
    handle.remove()
