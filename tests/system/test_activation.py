from __future__ import annotations

import errno
import os
from collections.abc import Iterator

import pytest

from trio_balancer.system import activation
from trio_balancer.system.activation import claim_sockets

PID = 123


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Two descriptors in a row, where the first one of all is said to be."""
    first = os.open(os.devnull, os.O_RDONLY)
    descriptors = [first, first + 1]
    os.dup2(first, first + 1, inheritable=True)
    os.set_inheritable(first, True)  # noqa: FBT003  # it takes no keyword
    monkeypatch.setattr(activation, "_FIRST", first)
    yield descriptors
    for descriptor in descriptors:
        os.close(descriptor)


def told(**more: str) -> dict[str, str]:
    return {"LISTEN_PID": str(PID), "HOME": "/", **more}


def test_they_are_ours_alone(handed_over: list[int]) -> None:
    environ = told(LISTEN_FDS="2", LISTEN_FDNAMES="web:admin.socket")
    one, two = handed_over
    assert claim_sockets(environ, PID) == {one: "web", two: "admin.socket"}
    assert not os.get_inheritable(one)
    assert not os.get_inheritable(two)
    assert environ == {"HOME": "/"}


def test_names_may_be_missing(handed_over: list[int]) -> None:
    one, two = handed_over
    assert claim_sockets(told(LISTEN_FDS="2"), PID) == {one: "unknown", two: "unknown"}
    environ = told(LISTEN_FDS="2", LISTEN_FDNAMES=":b")
    assert claim_sockets(environ, PID) == {one: "unknown", two: "b"}


def test_those_of_another_process_are_left_alone(handed_over: list[int]) -> None:
    environ = {"LISTEN_PID": "77", "LISTEN_FDS": "2"}
    assert claim_sockets(environ, PID) == {}
    assert os.get_inheritable(handed_over[0])


def test_nobody_hands_over_anything() -> None:
    assert claim_sockets({}, PID) == {}
    assert claim_sockets(told(LISTEN_FDS="0"), PID) == {}


@pytest.mark.parametrize("count", ["", "two", "-1", "²"])
def test_a_count_that_is_none(count: str) -> None:
    with pytest.raises(OSError, match="LISTEN_FDS is not a number"):
        claim_sockets(told(LISTEN_FDS=count), PID)


def test_more_names_than_descriptors() -> None:
    with pytest.raises(OSError, match="has 3 names for 2 descriptors"):
        claim_sockets(told(LISTEN_FDS="2", LISTEN_FDNAMES="a:b:c"), PID)


def test_a_descriptor_that_is_not_open(handed_over: list[int]) -> None:
    beyond = handed_over[-1] + 1
    with pytest.raises(OSError, match=f"descriptor {beyond} of LISTEN_FDS: Bad file") as caught:
        claim_sockets(told(LISTEN_FDS="3"), PID)
    assert caught.value.errno == errno.EBADF
