from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config.model_filters import Needle
from trio_balancer.filters.searching import Finder, LiteralFinder, RegexFinder, finder

TEXTS = st.text("ab\n", max_size=60).map(str.encode)
CUTS = st.lists(st.integers(0, 60), max_size=8)


def found_at(looking: Finder, text: bytes, cuts: list[int]) -> int | None:
    """Return behind which cut something was found."""
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    for start, end in pairwise(places):
        if looking.found_in(text[start:end]):
            return end
    return None


@given(text=TEXTS, pattern=st.text("ab\n", min_size=1, max_size=5).map(str.encode), cuts=CUTS)
def test_literals_over_any_chunks(text: bytes, pattern: bytes, cuts: list[int]) -> None:
    at = found_at(LiteralFinder(pattern), text, cuts)
    first = text.find(pattern)
    assert (at is None) == (first < 0)
    if at is not None:
        # Not one chunk too late: the end of the match has not passed.
        assert first + len(pattern) <= at
        assert not any(first + len(pattern) <= cut < at for cut in cuts)


@pytest.mark.parametrize(
    "source", [b"ab", b"a{2,4}b", b"^ab", b"(?m)^ab", b"(?<=a)b", rb"\bb", b"aa|bb", b"x?ab"]
)
@given(text=TEXTS, cuts=CUTS, longest=st.integers(6, 30))
def test_regular_expressions_over_any_chunks(
    source: bytes, text: bytes, cuts: list[int], longest: int
) -> None:
    pattern = re.compile(source)
    at = found_at(RegexFinder(pattern, longest), text, cuts)
    assert (at is None) == (pattern.search(text) is None)


def test_an_empty_match_is_none() -> None:
    assert not RegexFinder(re.compile(b"(?<=a)b*"), 10).found_in(b"ac")


def test_what_is_remembered_is_bounded() -> None:
    looking = RegexFinder(re.compile(b"a[0-9]{3}"), 4)
    assert not looking.found_in(b"x" * 1000 + b"a12")
    assert looking.found_in(b"3")


def test_a_needle_of_either_kind() -> None:
    assert isinstance(finder(Needle(b"x")), LiteralFinder)
    assert isinstance(finder(Needle(re.compile(b"x"))), RegexFinder)
