from __future__ import annotations

from contextlib import suppress
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer import ConfigError, parse_config
from trio_balancer.config.addresses import listen_address
from trio_balancer.wire.address import InheritedAddress, UnixAddress, inet_address

BASE = PurePath("/etc")
PARSE = listen_address(BASE)
CONFIG = """
[listeners.web]
bind = {bind}
pool = "app"
{more}
[pools.app]
backends = ["127.0.0.1:9"]
"""


@pytest.mark.parametrize("name", ["web", "3", "web.socket", "a@b", "x" * 255])
def test_names(name: str) -> None:
    address = PARSE(f"fd@{name}")
    assert address == InheritedAddress(name)
    assert str(address) == f"fd@{name}"


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\n", "ä", "x" * 256])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="name or number of an inherited socket"):
        PARSE(f"fd@{name}")


def test_other_addresses_are_what_they_were() -> None:
    assert PARSE("127.0.0.1:80") == inet_address("127.0.0.1", 80)
    assert PARSE("unix:web.sock") == UnixAddress("/etc/web.sock")


@given(st.text() | st.integers() | st.lists(st.text()))
def test_an_address_or_a_sentence(value: object) -> None:
    with suppress(ValueError):
        assert not isinstance(PARSE(value), str)


def problems(bind: str, more: str = "") -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(CONFIG.format(bind=bind, more=more))
    return str(caught.value)


def test_a_listener_may_have_both_kinds() -> None:
    config = parse_config(CONFIG.format(bind='["fd@web", "127.0.0.1:80", "fd@4"]', more=""))
    assert [str(address) for address in config.listeners["web"].bind] == [
        "fd@web",
        "127.0.0.1:80",
        "fd@4",
    ]


def test_one_socket_serves_once() -> None:
    assert "fd@web is bound twice" in problems('["fd@web", "fd@web"]')


def test_the_mode_belongs_to_whoever_made_the_socket() -> None:
    said = problems('"fd@web"', 'mode = "0660"')
    assert "mode: is for Unix sockets, and this listener binds none" in said
