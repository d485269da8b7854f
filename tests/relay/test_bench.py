from __future__ import annotations

import pytest

from trio_balancer.network.poller import Poller
from trio_balancer.relay.bench import ALONE_AFTER, BUFFER_SIZE, PIECE_AMONG_OTHERS, Bench
from trio_balancer.relay.pipes import PIPE_SIZE


@pytest.fixture
def bench() -> Bench:
    return Bench(Poller(), None)


def pieces(bench: Bench, turns: int) -> list[int]:
    return [bench.bulk_piece() for _ in range(turns)]


def test_one_buffer_for_all(bench: Bench) -> None:
    assert len(bench.buffer) == BUFFER_SIZE
    assert not bench.buffer.readonly


def test_bulk_takes_a_pipe_full_when_it_has_been_alone_for_a_while(bench: Bench) -> None:
    assert pieces(bench, ALONE_AFTER) == [PIECE_AMONG_OTHERS] * ALONE_AFTER
    assert pieces(bench, ALONE_AFTER) == [PIPE_SIZE] * ALONE_AFTER


def test_bulk_takes_less_while_others_talk(bench: Bench) -> None:
    pieces(bench, 2 * ALONE_AFTER)
    for _ in range(10):
        bench.messages += 1
        assert pieces(bench, ALONE_AFTER) == [PIECE_AMONG_OTHERS] * ALONE_AFTER
    assert PIPE_SIZE in pieces(bench, 2)
