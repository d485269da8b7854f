from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import BinaryIO

import pytest
from support.control_server import ControlServer, control_server, line, refused
from support.ctl_bench import Bench
from support.ctl_process import COMMAND, environment, hear_interrupts

import trio_balancer


def test_the_version(ctl: Bench) -> None:
    assert ctl("--version") == 0
    assert ctl.said == f"trio-balancerctl {trio_balancer.__version__}\n"


def test_the_help_knows_every_command(ctl: Bench) -> None:
    assert ctl("--help") == 0
    for command in ("status", "top", "tail", "drain", "explain", "raw", "completion"):
        assert f"\n    {command} " in ctl.said
    assert "__complete" not in ctl.said


@pytest.mark.parametrize("words", [[], ["stat"], ["status", "--jso"], ["weight", "app/s1"]])
def test_a_wrong_command_line_is_2(ctl: Bench, words: list[str]) -> None:
    assert ctl(*words) == 2
    assert ctl.complained.startswith("usage: trio-balancerctl")


def test_no_socket_is_2(ctl: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRIO_BALANCER_SOCKET")
    assert ctl("status") == 2
    assert "which balancer? Name its runtime socket" in ctl.complained


def test_a_balancer_that_is_not_there_is_1(ctl: Bench) -> None:
    assert ctl("--socket", "/nowhere", "status") == 1
    assert ctl.complained == (
        "trio-balancerctl: cannot reach the balancer at /nowhere: there is no such socket;"
        " is the balancer running, with this [control] socket?\n"
    )


def test_a_refusal_is_1_and_harmless(ctl: Bench) -> None:
    assert ctl("--timeout", "9s", "enable", "\x1b[2J") == 1
    assert ctl.complained == "trio-balancerctl: there is no enable_listener\n"
    assert ctl("--socket", "/\x1b[2J", "status") == 1
    assert "/\\x1b[2J" in ctl.complained


def test_a_program_gets_its_errors_in_json_too(ctl: Bench) -> None:
    ctl.answers["reload"] = refused("reload-failed", "one problem\nanother \x1b[2J")
    assert ctl("reload", "--json") == 1
    error = {"code": "reload-failed", "message": "one problem\nanother \x1b[2J"}
    assert (ctl.said, json.loads(ctl.complained)) == ("", {"error": error})
    assert "\x1b" not in ctl.complained
    assert ctl("--socket", "/nowhere", "status", "--json") == 1
    assert json.loads(ctl.complained)["error"]["code"] is None


@pytest.mark.parametrize("option", ["--socket", "--config"])
def test_a_path_of_a_variable_that_is_not_set_is_2(ctl: Bench, option: str) -> None:
    assert ctl(option, "", "status") == 2
    assert f"argument {option}: expected a path, got nothing" in ctl.complained


def test_each_problem_of_a_configuration_has_its_line(ctl: Bench) -> None:
    ctl.answers["reload"] = refused("reload-failed", "one problem\nanother \x1b[2J")
    assert ctl("reload") == 1
    assert ctl.complained == "trio-balancerctl: one problem\nanother \\x1b[2J\n"


def test_every_command_explains_itself(ctl: Bench) -> None:
    ctl("--help")
    names = re.findall(r"^    (\w+)  ", ctl.said, re.MULTILINE)
    assert len(names) == 18
    for name in names:
        assert ctl(name, "--help") == 0
        assert ctl.said.startswith(f"usage: trio-balancerctl {name} ")


def test_a_stream_of_a_callers_own_is_left_alone(
    ctl: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    ctl.will("reload", {})
    assert ctl("reload") == 0
    assert stream.getvalue() == "reloaded\n"


def endless(_line: str) -> Iterable[bytes]:
    while True:
        yield line({"listener": "\N{CJK UNIFIED IDEOGRAPH-540D}", "ending": "--"})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ControlServer]:
    with control_server(tmp_path / "s", endless) as server:
        yield server


@contextmanager
def tailing(
    server: ControlServer, stdout: int | BinaryIO = subprocess.PIPE, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `tail` as a process of its own, for as long as the block lasts at most."""
    process = subprocess.Popen(
        [*COMMAND, "tail"],
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=environment(server.path) | variables,
        preexec_fn=hear_interrupts,  # noqa: PLW1509  # it takes no locks
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def end(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    _, complaints = process.communicate()
    return process.returncode, complaints


def test_a_reader_who_goes_away_is_no_error_worth_a_word(server: ControlServer) -> None:
    with tailing(server) as process:
        assert process.stdout is not None
        assert process.stdout.readline().endswith(b"down\n")
        process.stdout.close()
        assert end(process) == (141, b"")


def test_ctrl_c_is_no_error_worth_a_word(server: ControlServer) -> None:
    with tailing(server) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert end(process) == (130, b"")


def test_a_full_disk_is_told(server: ControlServer) -> None:
    with Path("/dev/full").open("wb") as full, tailing(server, full) as process:
        status, complaints = end(process)
    assert status == 1
    assert complaints == (
        b"trio-balancerctl: the output cannot be written: No space left on device\n"
    )


def test_letters_that_the_terminal_does_not_know_are_escaped(server: ControlServer) -> None:
    with tailing(server, PYTHONIOENCODING="ascii") as process:
        assert process.stdout is not None
        assert b"\\u540d \\u2192" in process.stdout.readline()
        process.stdout.close()
        assert end(process) == (141, b"")
