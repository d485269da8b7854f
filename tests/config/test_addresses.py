from __future__ import annotations

from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config.addresses import backend_address, bind_address, host, log_file
from trio_balancer.wire.address import NamedAddress, UnixAddress, parse_address

BASE = PurePath("/etc/trio-balancer")


@pytest.mark.parametrize("text", ["127.0.0.1:0", "[::1]:80", "[fe80::1%eth0]:80", "unix:/run/a"])
def test_addresses_to_listen_on(text: str) -> None:
    assert bind_address(BASE)(text) == parse_address(text)


def test_a_unix_path_starts_at_the_folder_of_the_file() -> None:
    expected = UnixAddress("/etc/trio-balancer/run/a.sock")
    assert bind_address(BASE)("unix:run/a.sock") == expected
    assert backend_address(BASE)("unix:run/a.sock") == expected


def test_a_host_name_cannot_be_listened_on() -> None:
    with pytest.raises(ValueError, match=r"expected a numeric address like .* got 'localhost:80'"):
        bind_address(BASE)("localhost:80")
    assert backend_address(BASE)("localhost:80") == NamedAddress("localhost", 80)


def test_port_zero_cannot_be_dialled() -> None:
    with pytest.raises(ValueError, match="expected a port from 1 to 65535"):
        backend_address(BASE)("localhost:0")


@pytest.mark.parametrize("value", [80, True, [], "x" * 10**6])
def test_what_is_no_address_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected an address like"):
        bind_address(BASE)(value)


@pytest.mark.parametrize("value", ["unix:/a\nb", "unix:/a b"])
def test_an_address_cannot_forge_a_log_line(value: str) -> None:
    with pytest.raises(ValueError, match="without spaces or control characters"):
        backend_address(BASE)(value)


def test_a_unix_path_fits_into_what_the_kernel_keeps() -> None:
    parse = bind_address(PurePath("/"))
    assert parse("unix:/" + "x" * 106) == UnixAddress("/" + "x" * 106)
    for path in ("/" + "x" * 107, "/" + "ä" * 54):
        with pytest.raises(ValueError, match="at most 107 bytes"):
            parse(f"unix:{path}")


def _read(text: str) -> str:
    try:
        return str(backend_address(BASE)(text))
    except ValueError as error:
        return str(error)


@given(st.text() | st.text(st.sampled_from("[]:.%/1a unix")))
def test_any_text_is_an_address_or_a_short_sentence(text: str) -> None:
    answer = _read(text)
    assert answer.isprintable()
    assert len(answer) < 250


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("::ffff:10.0.0.1", "10.0.0.1"), ("0:0::1", "::1"), ("db.example", "db.example")],
)
def test_hosts(text: str, canonical: str) -> None:
    assert host(text) == canonical


@pytest.mark.parametrize(
    "value", [1, "", "127.0.0.1:80", "[::1]", "a:80", "a b", "unix:/x", "x" * 400, "1.2.3"]
)
def test_what_is_no_host_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="without a port"):
        host(value)


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("-", "-"),
        ("/var/log/a.log", "/var/log/a.log"),
        ("a.log", "/etc/trio-balancer/a.log"),
        ("syslog:/dev/log", "syslog:/dev/log"),
        ("syslog:log", "syslog:/etc/trio-balancer/log"),
    ],
)
def test_where_the_log_goes(text: str, file: str) -> None:
    assert log_file(BASE)(text) == file


@pytest.mark.parametrize("value", ["", "syslog:", "a\0b", 1])
def test_where_no_log_can_go(value: object) -> None:
    with pytest.raises(ValueError, match='expected "-", a path or "syslog:/dev/log"'):
        log_file(BASE)(value)
