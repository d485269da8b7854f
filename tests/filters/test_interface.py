from __future__ import annotations

import pytest
from support.filtered import INFO, lone_connection

from trio_balancer.filters import Filter, FilteredConnection, HoldFullError


def test_a_filter_passes_everything_on() -> None:
    made = Filter(lone_connection())
    assert made.from_client(b"up") == b"up"
    assert made.from_backend(b"down") == b"down"
    nothing = (made.client_finished, made.backend_finished, made.client_quiet, made.backend_quiet)
    assert [method() for method in nothing] == [b"", b"", b"", b""]
    made.closed()
    assert made.connection.info is INFO


def test_a_connection_passes_replies_and_ends_on() -> None:
    told: list[object] = []

    def tell(what: object) -> bool:
        told.append(what)
        return True

    connection = FilteredConnection(INFO, 10, tell, lambda _: False, lambda why: told.append(why))
    assert connection.reply_to_client(b"down")
    assert not connection.reply_to_backend(b"up")
    connection.end("x" * 1000)
    assert told == [b"down", "x" * 200]


def test_its_buffers_are_bounded() -> None:
    hold = lone_connection(buffer=2).hold()
    with pytest.raises(HoldFullError):
        hold.add(b"abc")
