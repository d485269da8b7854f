from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.stages import stage_of, taken

from trio_balancer.config.model_effects import Corrupt
from trio_balancer.faults.stages import Cut, Stage

ZEROS = bytes(20_000)


def through(stage: Stage[Corrupt], *pieces: bytes) -> bytes:
    for piece in pieces:
        stage.put(piece, 0)
    return b"".join(item for item in taken(stage, 0) if isinstance(item, bytes))


def bits(data: bytes) -> list[int]:
    return [byte.bit_count() for byte in data if byte]


def test_so_many_bytes_are_hit() -> None:
    flipped = bits(through(stage_of(Corrupt(probability=0.01)), ZEROS))
    assert len(flipped) == pytest.approx(200, rel=0.2)
    assert set(flipped) == {1}


@pytest.mark.parametrize("probability", [1 / 512, 0.1, 0.5, 0.999])
def test_the_share_is_exact(probability: float) -> None:
    flipped = bits(through(stage_of(Corrupt(probability)), bytes(400_000)))
    # Of 400 000 draws; 4 standard deviations are 1265 at most.
    assert len(flipped) == pytest.approx(probability * 400_000, abs=1265)


@pytest.mark.parametrize("number", range(1, 9))
def test_each_bit_is_flipped_as_often(number: int) -> None:
    flipped = through(stage_of(Corrupt(1, bits=number)), bytes(80_000))
    assert set(bits(flipped)) == {number}
    for bit in range(8):
        count = sum(byte >> bit & 1 for byte in flipped)
        assert count == pytest.approx(10_000 * number, rel=0.05)


def test_so_many_bits_of_each_are_flipped() -> None:
    assert set(bits(through(stage_of(Corrupt(probability=0.01, bits=3)), ZEROS))) == {3}


@pytest.mark.parametrize(("probability", "hit"), [(0, 0), (1, 1000)])
def test_none_or_all(probability: float, hit: int) -> None:
    assert len(bits(through(stage_of(Corrupt(probability)), bytes(1000)))) == hit


def test_another_probability_counts_at_once() -> None:
    stage = stage_of(Corrupt(0))
    stage.change(Corrupt(1), 0)
    assert len(bits(through(stage, bytes(10)))) == 10


def test_ends_pass() -> None:
    stage = stage_of(Corrupt(1))
    stage.put(b"", 0)
    stage.put(Cut("why"), 0)
    assert taken(stage, 0) == [b"", Cut("why")]


@given(cuts=st.lists(st.integers(1, 999), unique=True).map(sorted), seed=st.integers(0, 9))
def test_the_same_bytes_are_hit_however_they_come_in(cuts: list[int], seed: int) -> None:
    data = bytes(1000)
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, 1000], strict=True)]
    whole = through(stage_of(Corrupt(0.05), seed=seed), data)
    assert through(stage_of(Corrupt(0.05), seed=seed), *pieces) == whole
