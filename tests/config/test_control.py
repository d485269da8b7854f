from __future__ import annotations

import pytest

from trio_balancer import Config, ConfigError, parse_config
from trio_balancer.config.model_control import ControlConfig, ControlLevel
from trio_balancer.wire.address import UnixAddress

BASE = """
[listeners.web]
bind = "127.0.0.1:80"
pool = "app"
[pools.app]
backends = ["127.0.0.1:81"]
"""


def parse(section: str) -> Config:
    return parse_config(BASE + section, base="/etc/balancer")


def test_without_the_section_there_is_no_socket() -> None:
    assert parse("").control is None


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("tb.sock", "/etc/balancer/tb.sock"),
        ("/run/tb.sock", "/run/tb.sock"),
        ("unix:/run/tb.sock", "/run/tb.sock"),
    ],
)
def test_a_path_is_relative_to_the_file(written: str, path: str) -> None:
    config = parse(f'[control]\nsocket = "{written}"\n')
    assert config.control == ControlConfig(UnixAddress(path), ControlLevel.ADMIN)


@pytest.mark.parametrize("level", ["user", "operator", "admin"])
def test_levels(level: str) -> None:
    control = parse(f'[control]\nsocket = "x"\nlevel = "{level}"\n').control
    assert control is not None
    assert control.level.value == level


def test_others_may_use_it_where_the_mode_says_so() -> None:
    control = parse('[control]\nsocket = "x"\nmode = "0660"\n').control
    assert control is not None
    assert control.mode == 0o660


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("[control]\n", "control.socket: is required, but missing"),
        ("[control]\nsocket = 3\n", "control.socket: expected the path of a Unix socket, got 3"),
        ('[control]\nsocket = ""\n', "control.socket: expected the path of a Unix socket"),
        (f'[control]\nsocket = "{"x" * 120}"\n', "control.socket: expected a Unix socket path"),
        ('[control]\nsocket = "a b"\n', "control.socket: expected an address without spaces"),
        ('[control]\nsocket = "x"\nlevel = "root"\n', "control.level: expected one of"),
        ('[control]\nsocket = "x"\nmode = 660\n', "control.mode: expected an octal file mode"),
        ('[control]\nsocket = "x"\nlevl = "user"\n', "control.levl: unknown key"),
        ("control = 3\n", "control"),
    ],
)
def test_what_is_wrong_is_said(section: str, said: str) -> None:
    # A key of the whole file must stand before its first table.
    text = section if section.startswith("[") else ""
    before = "" if text else section
    with pytest.raises(ConfigError) as caught:
        parse_config(before + BASE + text)
    assert said in str(caught.value)
