from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.faults.outbox import Outbox
from trio_balancer.faults.stages import CHUNK, Cut, Item, cost

CUT = Cut("why")


def filled(*items: Item) -> Outbox:
    outbox = Outbox()
    for item in items:
        outbox.put(item)
    return outbox


def emptied(outbox: Outbox) -> list[Item]:
    items = []
    while outbox:
        items.append(outbox.take())
    return items


def test_bytes_that_wait_together_go_together_up_to_an_end() -> None:
    assert emptied(filled(b"a", b"bc", b"", b"d", b"e", CUT, b"f")) == [
        b"abc",
        b"",
        b"de",
        CUT,
        b"f",
    ]


def test_about_a_chunk_goes_at_a_time() -> None:
    pieces = [bytes(CHUNK - 1), bytes(CHUNK), bytes(1)]
    assert [len(item) for item in emptied(filled(*pieces)) if isinstance(item, bytes)] == [
        2 * CHUNK - 1,
        1,
    ]


def test_one_piece_is_not_copied() -> None:
    piece = bytes(1000)
    assert filled(piece).take() is piece


@given(st.lists(st.binary(max_size=3) | st.just(CUT)))
def test_nothing_is_lost_and_all_is_counted(items: list[Item]) -> None:
    outbox = filled(*items)
    assert outbox.cost == sum(map(cost, items))
    seen = emptied(outbox)
    assert outbox.cost == 0
    assert [item for item in seen if item in (b"", CUT)] == [
        item for item in items if item in (b"", CUT)
    ]
    assert b"".join(item for item in seen if isinstance(item, bytes)) == b"".join(
        item for item in items if isinstance(item, bytes)
    )
