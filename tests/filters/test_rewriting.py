from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trio_balancer.filters import Hold, HoldFullError
from trio_balancer.filters.rewriting import LiteralRewriter, RegexRewriter, Rewriter

# Few letters, so that there are many matches and many beginnings of one.
TEXTS = st.text("ab\n", max_size=60).map(str.encode)
CUTS = st.lists(st.integers(0, 60), max_size=8)


def rewrite(rewriter: Rewriter, text: bytes, cuts: list[int]) -> bytes:
    """Feed a text in pieces, cut at these places."""
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in pairwise(places)]
    return b"".join(map(rewriter.feed, pieces)) + rewriter.flush()


@given(
    text=TEXTS,
    pattern=st.text("ab\n", min_size=1, max_size=5).map(str.encode),
    replacement=st.sampled_from([b"", b"x", b"a", b"abab"]),
    cuts=CUTS,
)
@example(text=b"aaab", pattern=b"aab", replacement=b"x", cuts=[1, 2, 3])
def test_literals_over_any_chunks(
    text: bytes, pattern: bytes, replacement: bytes, cuts: list[int]
) -> None:
    hold = Hold(len(pattern) - 1)
    rewriter = LiteralRewriter(pattern, replacement, hold)
    assert rewrite(rewriter, text, cuts) == text.replace(pattern, replacement)


def test_a_literal_holds_no_more_than_may_begin_a_match() -> None:
    hold = Hold(100)
    rewriter = LiteralRewriter(b"secret", b"***", hold)
    assert rewriter.feed(b"my secret, my sec") == b"my ***, my "
    assert bytes(hold) == b"sec"
    assert rewriter.feed(b"ond") == b"second"
    assert not hold
    assert rewriter.feed(b"se") == b""
    assert rewriter.flush() == b"se"


# No match of these, and nothing that they try on the way to one, is longer than eight bytes.
BOUNDED = [
    b"ab",
    b"a|ab",
    b"ab|a",
    b"a{1,4}b?",
    b"(a)(b{1,3})",
    b"^a",
    b"(?m)^a",
    b"(?m)a$",
    b"a(?=b)",
    b"(?<=a)b",
    b"(?<!a)b",
    rb"\ba\b",
    b"a(?!b)",
    rb"a\Z",
    b"b{0,2}",
    b"a?b?",
]


@pytest.mark.parametrize("source", BOUNDED)
@given(text=TEXTS, cuts=CUTS, longest=st.integers(9, 30))
def test_regular_expressions_over_any_chunks(
    source: bytes, text: bytes, cuts: list[int], longest: int
) -> None:
    pattern = re.compile(source)
    template = rb"<\1>" if pattern.groups else rb"<\g<0>>"
    hold = Hold(longest)
    rewriter = RegexRewriter(pattern, template, longest, hold)

    def expand(match: re.Match[bytes]) -> bytes:
        return match.expand(template) if match[0] else b""

    assert rewrite(rewriter, text, cuts) == pattern.sub(expand, text)


def test_a_regular_expression_holds_less_than_a_longest_match() -> None:
    hold = Hold(100)
    rewriter = RegexRewriter(re.compile(b"[0-9]+"), b"#", 4, hold)
    assert rewriter.feed(b"call 555") == b"call "
    assert bytes(hold) == b"555"
    assert rewriter.feed(b"1") == b"#"
    assert rewriter.feed(b" now") == b" "
    assert rewriter.flush() == b"now"


def test_what_was_let_go_is_still_what_stood_before() -> None:
    rewriter = RegexRewriter(re.compile(b"^a"), b"#", 4, Hold(100))
    assert rewriter.feed(b"b") + rewriter.flush() == b"b"
    assert rewriter.feed(b"a") + rewriter.flush() == b"a"


def test_a_hold_that_is_too_small_is_told() -> None:
    with pytest.raises(HoldFullError):
        RegexRewriter(re.compile(b"a"), b"", 10, Hold(3)).feed(b"bbbbbbbb")
