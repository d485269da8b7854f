from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.wire.haproxy_cli import MAX_LINE, Command, CommandReader, split_line

# What has a meaning comes far more often than in random bytes.
PIECES = st.sampled_from(
    [b"show", b"stat", b" ", b"\t", b";", b"\\", b"\n", b"\r\n", b"<<", b"<<END", b"END", b"\0"]
)
LINES = st.lists(PIECES | st.binary(max_size=4)).map(b"".join)


def words(line: str) -> list[tuple[str, ...]]:
    return [command.words for command in split_line(line)]


def read(*pieces: bytes) -> list[Command]:
    reader = CommandReader()
    return [command for piece in pieces for command in reader.feed(piece)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("show stat", [("show", "stat")]),
        ("  show \t stat  ", [("show", "stat")]),
        ("show info;show stat", [("show", "info"), ("show", "stat")]),
        (r"set x a\;b", [("set", "x", "a;b")]),
        (r"get weight be\ app/s1", [("get", "weight", "be app/s1")]),
        (r"a\\;b\x", [("a\\",), ("bx",)]),
        ("a \\", [("a",)]),
        ("", [()]),
        (";show info;", [(), ("show", "info"), ()]),
    ],
)
def test_a_line_has_commands_and_they_have_words(
    line: str, expected: list[tuple[str, ...]]
) -> None:
    assert words(line) == expected


def test_the_last_command_of_a_line_is_known() -> None:
    assert read(b"a;b\nc\r\n") == [
        Command(("a",), ends_line=False),
        Command(("b",)),
        Command(("c",)),
    ]


def test_an_unfinished_line_is_no_command() -> None:
    reader = CommandReader()

    assert reader.feed(b"show sta") == []
    assert reader.feed(b"t\nshow") == [Command(("show", "stat"))]


def test_a_payload_ends_at_an_empty_line() -> None:
    assert read(b"x;add map m <<\nk v\r\nk2 v2;\n\nshow info\n") == [
        Command(("x",), ends_line=False),
        Command(("add", "map", "m"), payload="k v\nk2 v2;"),
        Command(("show", "info")),
    ]


def test_a_payload_may_end_at_a_line_of_its_own() -> None:
    assert read(b"set cert c <<END\na\n\nEND\n") == [Command(("set", "cert", "c"), payload="a\n")]


def test_a_payload_may_be_empty() -> None:
    assert read(b"set cert c <<\n\n") == [Command(("set", "cert", "c"), payload="")]


@pytest.mark.parametrize("line", ["a<<", "a << b", "a \\<<"])
def test_only_a_last_word_announces_a_payload(line: str) -> None:
    (command,) = read(line.encode() + b"\n")

    assert command.payload is None


def test_it_can_be_told_that_a_payload_is_awaited() -> None:
    reader = CommandReader()

    awaited = []
    for line in (b"show info\n", b"add <<\n", b"line\n", b"\n"):
        reader.feed(line)
        awaited.append(reader.in_payload)

    assert awaited == [False, True, True, False]


def test_bytes_that_are_no_text_match_nothing() -> None:
    assert read(b"get \xff\n") == [Command(("get", "\ufffd"))]


def test_a_line_may_be_as_long_as_the_bound() -> None:
    reader = CommandReader()

    assert reader.feed(b"a" * MAX_LINE + b"\n") == [Command(("a" * MAX_LINE,))]
    assert reader.problem is None


def test_a_longer_line_is_a_problem_and_the_last_thing_heard() -> None:
    reader = CommandReader()

    assert reader.feed(b"b\n" + b"a" * (MAX_LINE + 1) + b"\nc\n") == [Command(("b",))]
    assert reader.problem == "A command may have at most 16384 bytes, its payload included."
    assert reader.feed(b"d\n") == []


@pytest.mark.parametrize("piece", [b"x", b"\0", b"\n", b"long line\n", b"x\r"])
def test_a_payload_without_an_end_is_not_kept(piece: bytes) -> None:
    reader = CommandReader()
    reader.feed(b"add <<END\n")

    for _ in range(MAX_LINE // len(piece) + 1):
        assert reader.feed(piece) == []

    assert reader.problem is not None
    assert reader.feed(b"END\nshow info\n") == []


@given(LINES)
def test_whole_and_byte_by_byte_agree(data: bytes) -> None:
    assert read(data) == read(*(data[i : i + 1] for i in range(len(data))))


@given(st.lists(st.lists(st.text(st.characters(exclude_characters="\r\n"), min_size=1))))
def test_escaped_words_are_read_back(commands: list[list[str]]) -> None:
    line = ";".join(
        " ".join("".join(f"\\{letter}" for letter in word) for word in command)
        for command in commands
    )

    assert words(line) == ([tuple(command) for command in commands] or [()])
