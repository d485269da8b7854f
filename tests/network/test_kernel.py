from __future__ import annotations

import errno
import math
import socket

import pytest

from trio_balancer.network import PeerReset, SocketOptions
from trio_balancer.network.kernel import (
    MAX_KEEPALIVE,
    change_options,
    check_path,
    family_of,
    from_kernel,
    os_error,
    peer_reset,
    set_options,
    to_kernel,
)
from trio_balancer.wire.address import SocketAddress, UnixAddress, inet_address


@pytest.mark.parametrize(
    ("address", "family", "name"),
    [
        (inet_address("127.0.0.1", 80), socket.AF_INET, ("127.0.0.1", 80)),
        (inet_address("::ffff:10.0.0.1", 80), socket.AF_INET, ("10.0.0.1", 80)),
        (inet_address("::1", 80), socket.AF_INET6, ("::1", 80, 0, 0)),
        (inet_address("fe80::1%7", 80), socket.AF_INET6, ("fe80::1", 80, 0, 7)),
        (UnixAddress("/run/web.sock"), socket.AF_UNIX, "/run/web.sock"),
    ],
)
def test_addresses_go_to_the_kernel_and_come_back(
    address: SocketAddress, family: socket.AddressFamily, name: object
) -> None:
    assert family_of(address) == family
    assert to_kernel(address) == name
    assert from_kernel(name) == address
    assert str(from_kernel(name)) == str(address)


def test_zone_goes_to_the_kernel_as_its_number() -> None:
    number, name = socket.if_nameindex()[0]
    assert to_kernel(inet_address(f"fe80::1%{name}", 80)) == ("fe80::1", 80, 0, number)


def test_unknown_zone_is_an_oserror() -> None:
    with pytest.raises(OSError, match="no interface"):
        to_kernel(inet_address("fe80::1%nosuchzone", 80))


def test_mapped_address_is_unmapped() -> None:
    assert from_kernel(("::ffff:10.0.0.1", 80, 0, 0)) == inet_address("10.0.0.1", 80)


@pytest.mark.parametrize("name", ["", b"\0abstract", None])
def test_unix_client_without_a_path_has_the_empty_one(name: object) -> None:
    assert from_kernel(name) == UnixAddress("")


def keepalive_of(options: SocketOptions) -> tuple[int, int]:
    with socket.socket() as sock:
        set_options(sock, options)
        return (
            sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
            sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
        )


@pytest.mark.parametrize(("seconds", "idle"), [(0.1, 1), (60.0, 60), (1e9, MAX_KEEPALIVE)])
def test_keepalive_is_kept_within_what_the_kernel_takes(seconds: float, idle: int) -> None:
    assert keepalive_of(SocketOptions(keepalive=seconds)) == (1, idle)


def test_keepalive_can_be_off() -> None:
    enabled, _idle = keepalive_of(SocketOptions(keepalive=math.inf))
    assert enabled == 0


@pytest.mark.parametrize(
    ("seconds", "milliseconds"), [(0.0001, 1), (2.5, 2500), (1e9, 2**31 - 1), (math.inf, 0)]
)
def test_user_timeout_is_in_milliseconds(seconds: float, milliseconds: int) -> None:
    with socket.socket() as sock:
        set_options(sock, SocketOptions(user_timeout=seconds))
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == milliseconds


def test_errors_are_of_their_subclass_and_have_a_text() -> None:
    error = os_error(errno.ECONNREFUSED)
    assert isinstance(error, ConnectionRefusedError)
    assert error.strerror == "Connection refused"
    assert os_error(errno.ECONNREFUSED, "only itself").strerror == "only itself"


def test_reset_says_what_broke() -> None:
    reset = peer_reset(os_error(errno.ETIMEDOUT))
    assert isinstance(reset, PeerReset)
    assert str(reset) == "the connection broke: Connection timed out"


def test_path_is_measured_in_bytes() -> None:
    check_path("/" + "x" * 106)
    with pytest.raises(OSError, match="at most 107 bytes") as excinfo:
        check_path("/" + "é" * 54)
    assert excinfo.value.errno == errno.ENAMETOOLONG


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_options_can_be_taken_back(family: socket.AddressFamily) -> None:
    with socket.socket(family) as sock:
        set_options(sock, SocketOptions(keepalive=30.0, user_timeout=2.0))
        change_options(sock, SocketOptions(keepalive=math.inf, user_timeout=math.inf))
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 0
        change_options(sock, SocketOptions(keepalive=9.0))
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 9
