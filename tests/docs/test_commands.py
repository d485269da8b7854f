"""The page of commands, held against the programs."""

from __future__ import annotations

import argparse
from unittest.mock import Mock

import pytest
from support.pages import page, rows, words

from trio_balancer.arguments import build_parser as build_balancer_parser
from trio_balancer.control.ctl.program import build_parser
from trio_balancer.control.haproxy.commands import CATALOGUE
from trio_balancer.control.json_commands import VERBS
from trio_balancer.control.streams import STREAMS

TEXT = page("commands.md")
ROWS = rows(TEXT)


def column(heading: str, prefix: str = "") -> list[str]:
    """Return the first word in code of each row of a heading's tables."""
    found = [words(row[0]) for row in ROWS[heading]]
    return [code[0] for code in found if code and code[0].startswith(prefix)]


def options(parser: argparse.ArgumentParser) -> set[str]:
    return {each for action in parser._actions for each in action.option_strings if each != "-h"}


def test_every_option() -> None:
    told = {usage.split()[0] for usage in column("trio-balancer", "--")}
    assert told == options(build_balancer_parser())


def commands() -> dict[str, argparse.ArgumentParser]:
    [choices] = [
        action.choices
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    return dict(choices)


def test_every_command() -> None:
    told = [usage.split()[0] for usage in column("trio-balancerctl")]
    assert sorted(told) == sorted(commands())


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_option_of_a_command(name: str) -> None:
    common = {"--help", "--json", "--socket", "--config", "--timeout"}
    [row] = [
        row
        for row in ROWS["trio-balancerctl"]
        if words(row[0])[:1] and words(row[0])[0].split()[0] == name
    ]
    missing = options(commands()[name]) - common - {"--interval"}
    assert {option for option in missing if option not in " ".join(row)} == set()


def test_every_command_of_haproxy() -> None:
    told = [
        (words(usage)[0].replace(r"\|", "|"), level)
        for usage, level, _ in ROWS["Runtime socket: HAProxy's commands"]
    ]
    assert told == [(entry.usage, entry.level.value) for entry in CATALOGUE.entries]


def test_every_request_in_json() -> None:
    told = {
        words(do)[0]: (level, words(parameters))
        for do, level, parameters in ROWS["Runtime socket: JSON"]
    }
    assert told == {
        do: (verb.level.value, [parameter.name for parameter in verb.parameters])
        for do, verb in {**VERBS, **STREAMS}.items()
    }


def test_every_path() -> None:
    pytest.importorskip("starlette", reason="the extra admin is not installed")
    from support.admin_routes import paths  # noqa: PLC0415  # needs the extra

    assert sorted(column("HTTP")) == sorted(paths(Mock()))
