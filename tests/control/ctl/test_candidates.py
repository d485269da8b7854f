from __future__ import annotations

import pytest

from trio_balancer.control.ctl.candidates import candidates
from trio_balancer.control.ctl.program import build_parser

PROGRAM = build_parser()


def names(kind: str, options: dict[str, str]) -> list[str]:
    """Offer the kind itself, and the socket that was named."""
    return [kind, *options.values()]


def offered(line: str) -> list[str]:
    return candidates(PROGRAM, line.split(" "), names)


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("sta", ["status"]),
        ("--so", ["--socket"]),
        ("re", ["ready", "rebalance", "reload"]),
        ("--socket s re", ["ready", "rebalance", "reload"]),
        ("drain --o", ["--over"]),
        ("drain app/s1 --al", ["--all"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("completion z", ["zsh"]),
        ("drain ", ["POOL[/BACKEND]"]),
        ("maint ", ["POOL/BACKEND"]),
        ("rebalance ", ["POOL"]),
        ("tail --listener ", ["LISTENER"]),
        ("tail --json --listener ", ["LISTENER"]),
        ("explain 10.0.0.1 ", ["LISTENER"]),
        ("explain 10.0.0.1 web ", []),
        ("nonsense ", []),
        ("kick 1 ", []),
    ],
)
def test_what_may_stand_there(line: str, offers: list[str]) -> None:
    assert offered(line) == offers


def test_all_commands_may_stand_first() -> None:
    assert candidates(PROGRAM, [], names) == offered("")
    assert {"status", "top", "tail", "raw"} <= set(offered(""))


@pytest.mark.parametrize("option", ["--socket s", "--socket=s"])
def test_names_are_those_of_the_balancer_on_the_line(option: str) -> None:
    assert offered(f"{option} maint ") == ["POOL/BACKEND", "s"]
    assert offered(f"maint {option} ") == ["POOL/BACKEND", "s"]


def test_paths_are_for_the_shell_to_complete() -> None:
    assert candidates(PROGRAM, ["--socket", ""], lambda _kind, _options: []) == []
