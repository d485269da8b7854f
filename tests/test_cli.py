from __future__ import annotations

import gc
import os
import resource
import signal
import socket
import threading
from typing import TYPE_CHECKING

import pytest
from support.process import config_text, wait_until

import trio_balancer
from trio_balancer import cli
from trio_balancer.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trio_balancer.config.model import Config, LogConfig

TEN_MISTAKES = """
[balancer]
max_connections = nan
backlog = true
drain_timeout = "5 parsecs"
[log]
formt = "text"
[listeners.web]
bind = "127.0.0.1:65536"
pool = "ap"
idle_timeout = inf
[pools.app]
policy = "round-robbin"
[[pools.app.backends]]
address = "127.0.0.1:9001"
weight = 1000000000000000000000000000000
[[pools.app.backends]]
address = "127.0.0.1:9001"
[contrl]
socket = "later.sock"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "balancer.toml"
    path.write_text(config_text(9, 10, log='file = "log"'))
    return path


@pytest.fixture
def collector() -> Iterator[None]:
    """Give the test process its garbage collector back."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def _complaint(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert out == ""
    return err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "the following arguments are required: CONFIG"),
        (["--chek", "x.toml"], "unrecognized arguments: --chek"),
        (["x.toml", "y.toml"], "unrecognized arguments: y.toml"),
        (["--ready-fd", "three", "x.toml"], "'three' is not an open file descriptor"),
        (["--ready-fd", "-1", "x.toml"], "'-1' is not an open file descriptor"),
        (["--ready-fd", "19999", "x.toml"], "'19999' is not an open file descriptor"),
        (["--ready-fd", "9" * 30, "x.toml"], f"'{'9' * 30}' is not an open file descriptor"),
        (["--log-format", "xml", "x.toml"], "invalid choice: 'xml'"),
        (["--log-level", "loud", "x.toml"], "invalid choice: 'loud'"),
    ],
)
def test_wrong_command_lines(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert complaint in _complaint(capsys)


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_what_needs_no_configuration(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([option])
    assert caught.value.code == 0
    out, err = capsys.readouterr()
    assert err == ""
    if option == "--version":
        assert out == f"trio-balancer {trio_balancer.__version__}\n"
    else:
        for word in (
            "CONFIG",
            "--check",
            "--demo",
            "--set",
            "--ready-fd",
            "--log-level",
            "SIGTERM",
        ):
            assert word in out


def test_a_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "missing.toml")]) == 2
    complaint = _complaint(capsys)
    assert "missing.toml" in complaint
    assert "No such file or directory" in complaint


def test_a_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "directory" in _complaint(capsys)


def test_every_mistake_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "ten.toml"
    path.write_text(TEN_MISTAKES)
    assert main([str(path)]) == 2
    problems = _complaint(capsys).splitlines()
    keys = (
        *("balancer.max_connections", "balancer.backlog", "balancer.drain_timeout", "log.formt"),
        *("listeners.web.bind", "listeners.web.pool", "listeners.web.idle_timeout"),
        *("pools.app.policy", "pools.app.backends[0].weight", "pools.app.backends[1]"),
        "contrl",
    )
    for key in keys:
        assert [problem for problem in problems if key in problem], (key, problems)
    for problem in problems:
        assert problem.startswith(f"{path}:"), problem
    assert [one for one in problems if "'format'" in one or '"format"' in one], problems


def test_check_tells_and_binds_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = tmp_path / "balancer.toml"
        text = config_text("127.0.0.1:9001", bind=f"127.0.0.1:{port}", log='file = "never"')
        path.write_text(text)
        assert main(["--check", str(path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert f"listener web -> pool app\n  127.0.0.1:{port}\n" in out
    assert "pool app: round-robin" in out
    assert "  127.0.0.1:9001, weight 1\n" in out
    assert [entry.name for entry in tmp_path.iterdir()] == ["balancer.toml"]


def test_values_from_the_command_line(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--set", "pools.app.policy=first", "--set", "balancer.max_connections=77"]
    assert main(["--check", *options, str(config)]) == 0
    out = capsys.readouterr().out
    assert "at most 77 connections" in out
    assert "pool app: first" in out


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("pools.app.policy=frist", "first"),
        ("pools.app.polcy=first", "policy"),
        ("pools.app.policy", "="),
    ],
)
def test_wrong_values_from_the_command_line(
    override: str, complaint: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check", "--set", override, str(config)]) == 2
    assert complaint in _complaint(capsys)


def test_the_log_s_options_override_the_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[LogConfig] = []

    def look(config: Config, _arguments: object) -> int:
        seen.append(config.log)
        return 0

    monkeypatch.setattr(cli, "_run", look)
    assert main([str(config)]) == 0
    assert main(["--log-format", "json", "--log-level", "error", str(config)]) == 0
    assert [(log.format.value, log.level.value) for log in seen] == [
        ("text", "info"),
        ("json", "error"),
    ]


def test_connections_that_do_not_fit(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--set", "balancer.max_connections=100000000", str(config)]) == 2
    complaint = _complaint(capsys)
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    fitting = (files - 64 - 128 - 1 - 2) // 2
    assert f"the limit is {files}: at most {fitting} would fit" in complaint
    assert main(["--check", "--set", f"balancer.max_connections={fitting}", str(config)]) == 0
    assert main(["--check", "--set", f"balancer.max_connections={fitting + 1}", str(config)]) == 2


def test_a_limit_that_cannot_be_raised_is_taken_as_it_is(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_which: int, _limits: tuple[int, int]) -> None:
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (264, 1_000_000))
    assert main(["--check", str(config)]) == 0
    assert "at most 34 connections" in capsys.readouterr().out


def test_an_address_in_use(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert main(["--set", f"listeners.web.bind={address}", str(config)]) == 1
    assert _complaint(capsys) == (
        f"trio-balancer: listener 'web' cannot bind {address}: Address already in use\n"
    )


def test_a_log_that_cannot_be_opened(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "no" / "such" / "log"
    assert main(["--set", f"log.file={log}", str(config)]) == 1
    assert _complaint(capsys) == (
        f"trio-balancer: the log '{log}' cannot be opened: No such file or directory\n"
    )
    assert main(["--set", f"log.file=syslog:{log}", str(config)]) == 1
    assert _complaint(capsys) == (
        f"trio-balancer: the log 'syslog:{log}' cannot be opened: No such file or directory\n"
    )


def test_a_demo_without_anybody_to_stand_in_for(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--demo", "--set", 'pools.app.backends=["192.0.2.1:80"]']
    assert main([*options, str(config)]) == 1
    assert _complaint(capsys) == (
        "trio-balancer: --demo finds no backend with a loopback address, such as 127.0.0.1:9001\n"
    )


def _stop_when_ready(descriptor: int) -> threading.Thread:
    def wait() -> None:
        os.read(descriptor, 4096)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_a_whole_run_in_this_process(config: Path, collector: None) -> None:
    reading, writing = os.pipe()
    thread = _stop_when_ready(reading)
    assert main(["--ready-fd", str(writing), str(config)]) == 0
    thread.join()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(writing)
    os.close(reading)
    assert gc.get_freeze_count() > 0


def test_a_run_that_tells_nobody_when_it_is_ready(config: Path, collector: None) -> None:
    log = config.parent / "log"
    main_thread = threading.get_ident()

    def stop_when_listening() -> None:
        wait_until(lambda: log.exists() and "Listening" in log.read_text())
        signal.pthread_kill(main_thread, signal.SIGINT)

    thread = threading.Thread(target=stop_when_listening)
    thread.start()
    assert main([str(config)]) == 0
    thread.join()
    assert "Stopped accepted=0" in log.read_text()


def test_hang_up_reads_the_configuration_again(config: Path, collector: None) -> None:
    log, text = config.parent / "log", config.read_text()
    main_thread = threading.get_ident()

    def hang_up(text: str, told: str) -> None:
        config.write_text(text)
        signal.pthread_kill(main_thread, signal.SIGHUP)
        wait_until(lambda: told in log.read_text())

    def play() -> None:
        wait_until(lambda: log.exists() and "Listening" in log.read_text())
        hang_up("[listeners.web]", "Not reloaded, nothing has changed")
        hang_up(text, "Reloaded: listeners +0 ~0 -0")
        signal.pthread_kill(main_thread, signal.SIGINT)

    thread = threading.Thread(target=play)
    thread.start()
    assert main([str(config)]) == 0
    thread.join()
