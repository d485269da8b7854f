from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from support.control_server import backend_of, pool_of, status_of
from support.ctl_bench import Bench
from support.ctl_process import COMMAND, environment

STATUS = status_of(
    pools=[pool_of([backend_of(1), backend_of(2, name="[::1]:9001"), backend_of(3, name="it's")])]
)


def needs(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed")


@pytest.mark.parametrize(
    ("words", "offers"),
    [
        (["dr"], ["drain"]),
        (["drain", ""], ["app", "app/s1", "app/[::1]:9001", "app/it's"]),
        (["maint", "app/s"], ["app/s1"]),
        (["rebalance", ""], ["app"]),
        (["enable", ""], ["web"]),
        (["connections", "--limit", ""], []),
    ],
)
def test_names_are_those_of_the_running_balancer(
    ctl: Bench, words: list[str], offers: list[str]
) -> None:
    ctl.will("status", STATUS)
    assert ctl("__complete", *words) == 0
    assert ctl.said.splitlines() == offers


@pytest.mark.parametrize("option", ["--socket", "--config"])
def test_a_balancer_that_cannot_be_asked_has_no_names(ctl: Bench, option: str) -> None:
    assert ctl("__complete", option, "/nowhere", "drain", "") == 0
    assert (ctl.said, ctl.complained) == ("", "")


def test_without_a_socket_there_are_no_names(ctl: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRIO_BALANCER_SOCKET")
    assert ctl("__complete", "drain", "") == 0
    assert (ctl.said, ctl.complained) == ("", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell(ctl: Bench, shell: str) -> None:
    assert ctl("completion", shell) == 0
    assert ctl.said.startswith("#")
    assert "trio-balancerctl __complete" in ctl.said


def test_a_shell_that_nobody_knows(ctl: Bench) -> None:
    assert ctl("completion", "cmd") == 2


@pytest.fixture
def shell_environment(ctl: Bench, tmp_path: Path) -> dict[str, str]:
    """Put the program on the PATH of a shell."""
    ctl.will("status", STATUS)
    program = tmp_path / "bin" / "trio-balancerctl"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec {COMMAND[0]} -c '{COMMAND[2]}' \"$@\"\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    path = {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    return environment(tmp_path / "s") | home | path


def run(command: list[str], environment: dict[str, str]) -> list[str]:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


BASH = """
source <(trio-balancerctl completion bash)
COMP_LINE=$1 COMP_POINT=${#1}
_trio_balancerctl
printf '%s\\n' "${COMPREPLY[@]}"
"""


@needs("bash")
@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("trio-balancerctl maint app/", ["app/s1", "app/\\[::1\\]:9001", "app/it\\'s"]),
        # For bash a colon begins another word.
        ("trio-balancerctl maint app/\\[::1", ["1\\]:9001"]),
        ("trio-balancerctl maint app/it\\'", ["app/it\\'s"]),
    ],
)
def test_bash(shell_environment: dict[str, str], line: str, offers: list[str]) -> None:
    bash = ["bash", "--norc", "-c", BASH, "bash", line]
    assert run(bash, shell_environment) == offers


ZSH = """
compdef() { : }
source <(trio-balancerctl completion zsh)
compadd() { shift; print -l -- "${(P@)1}" }
_files() { print files }
words=(${(z)1}) CURRENT=$#words
_trio_balancerctl
"""


@needs("zsh")
@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("trio-balancerctl maint app/", ["app/s1", "app/[::1]:9001", "app/it's"]),
        ("trio-balancerctl --socket /", ["files"]),
    ],
)
def test_zsh(shell_environment: dict[str, str], line: str, offers: list[str]) -> None:
    assert run(["zsh", "-f", "-c", ZSH, "zsh", line], shell_environment) == offers


@needs("fish")
@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("trio-balancerctl rebalance ", ["app"]),
        ("trio-balancerctl maint app/", ["app/[::1]:9001", "app/it's", "app/s1"]),
    ],
)
def test_fish(shell_environment: dict[str, str], line: str, offers: list[str]) -> None:
    fish = f"trio-balancerctl completion fish | source; complete -C '{line}'"
    # Versions of fish sort in different ways.
    assert sorted(run(["fish", "--no-config", "-c", fish], shell_environment)) == offers
