from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

import pytest

from trio_balancer.control.ctl.arguments import (
    Commands,
    Target,
    add_json,
    add_options,
    one_backend,
    pool_or_backend,
    seconds,
    set_defaults,
)


@pytest.fixture
def program() -> ArgumentParser:
    parser = ArgumentParser()
    set_defaults(parser)
    add_options(parser)
    commands = Commands(parser, parser.add_subparsers())
    add_json(commands.add("look", "look at it", lambda _session: 7))
    return parser


def test_nothing_is_given(program: ArgumentParser) -> None:
    given = program.parse_args(["look"])
    assert (given.socket, given.config, given.timeout) == (None, None, 30.0)
    assert given.json is False
    assert given.run(Namespace()) == 7


@pytest.mark.parametrize(
    "words",
    [
        ["--socket", "s", "--timeout", "5s", "look"],
        ["look", "--socket", "s", "--timeout", "5s"],
        ["--socket", "s", "look", "--timeout", "5s"],
    ],
)
def test_options_may_stand_before_the_command_and_behind_it(
    program: ArgumentParser, words: list[str]
) -> None:
    given = program.parse_args(words)
    assert (given.socket, given.timeout) == ("s", 5.0)


def test_a_configuration_is_a_path(program: ArgumentParser) -> None:
    assert program.parse_args(["look", "--config", "b.toml"]).config == Path("b.toml")


def test_a_socket_and_a_configuration_are_one_too_many(
    program: ArgumentParser, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        program.parse_args(["look", "--socket", "s", "--config", "b.toml"])
    assert "not allowed with argument --socket" in capsys.readouterr().err


def test_the_sentence_of_a_parser_is_shown(
    program: ArgumentParser, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        program.parse_args(["look", "--timeout", "5"])
    assert "expected a duration above zero like" in capsys.readouterr().err


def test_a_duration_is_seconds() -> None:
    assert seconds("2m") == 120.0


@pytest.mark.parametrize(
    ("word", "target"),
    [
        ("app", Target("app")),
        ("app/s1", Target("app", "s1")),
        ("app/unix:/run/s", Target("app", "unix:/run/s")),
    ],
)
def test_a_target_is_a_pool_or_a_backend(word: str, target: Target) -> None:
    assert pool_or_backend(word) == target
    assert str(target) == word


@pytest.mark.parametrize("word", ["", "/", "/s1", "app/"])
def test_half_a_target_is_none(word: str) -> None:
    with pytest.raises(ArgumentTypeError, match="expected POOL or POOL/BACKEND"):
        pool_or_backend(word)


def test_a_backend_needs_its_pool() -> None:
    assert one_backend("app/s1") == Target("app", "s1")
    with pytest.raises(ArgumentTypeError, match="expected POOL/BACKEND, like app/s1, got 's1'"):
        one_backend("s1")
