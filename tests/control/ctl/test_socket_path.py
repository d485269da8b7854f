from __future__ import annotations

from pathlib import Path

import pytest

from trio_balancer.control.ctl.errors import ControlError
from trio_balancer.control.ctl.socket_path import find_socket

ENVIRONMENT = {"TRIO_BALANCER_SOCKET": "/from/environment"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "balancer.toml"


def test_the_command_line_comes_first(config: Path) -> None:
    assert find_socket("/given", config, ENVIRONMENT) == "/given"


def test_the_environment_comes_last() -> None:
    assert find_socket(None, None, ENVIRONMENT) == "/from/environment"


@pytest.mark.parametrize("environment", [{}, {"TRIO_BALANCER_SOCKET": ""}])
def test_nobody_says(environment: dict[str, str]) -> None:
    assert find_socket(None, None, environment) is None


def test_a_path_in_the_configuration_begins_at_its_folder(config: Path) -> None:
    config.write_text('\ufeff[control]\nsocket = "run/b.sock"\n')
    assert find_socket(None, config, ENVIRONMENT) == str(config.parent / "run/b.sock")


@pytest.mark.parametrize("path", ["/run/b.sock", "unix:/run/b.sock"])
def test_an_absolute_path_stays(config: Path, path: str) -> None:
    config.write_text(f'[control]\nsocket = "{path}"\n')
    assert find_socket(None, config, {}) == "/run/b.sock"


def test_mistakes_elsewhere_in_the_configuration_are_no_hindrance(config: Path) -> None:
    config.write_text('[listeners.web]\nbnd = 7\n[control]\nsocket = "/run/b.sock"\n')
    assert find_socket(None, config, {}) == "/run/b.sock"


@pytest.mark.parametrize("text", ["", "control = 1", "[control]", "[control]\nsocket = 7"])
def test_a_configuration_without_a_socket(config: Path, text: str) -> None:
    config.write_text(text)
    with pytest.raises(ControlError, match=r"has no \[control\] socket"):
        find_socket(None, config, {})


def test_a_configuration_that_is_not_there(config: Path) -> None:
    with pytest.raises(ControlError, match="cannot be read: No such file or directory"):
        find_socket(None, config, {})


@pytest.mark.parametrize("data", [b"[", b"\xff", b"a = " + b"[" * 10_000])
def test_a_file_that_is_no_toml(config: Path, data: bytes) -> None:
    config.write_bytes(data)
    with pytest.raises(ControlError, match="is no TOML"):
        find_socket(None, config, {})
