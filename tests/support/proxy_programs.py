"""HAProxy and nginx, as senders and receivers of PROXY protocol headers."""

from __future__ import annotations

import socket
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.process import wait_until
from support.servers import connect, free_port

from benchmarks.peer_configs import BUILT_IN, stream_module
from trio_balancer.wire.address import InetAddress, inet_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HAPROXY = """
defaults
    timeout connect 10s
    timeout client 10s
    timeout server 10s
"""
_NGINX = """
{load}
daemon off;
master_process off;
pid {directory}/nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{ listen 127.0.0.1:{ready}; return 204; }}
    {http}
}}
{rest}
"""


@contextmanager
def listening_at(host: str = "127.0.0.1") -> Iterator[socket.socket]:
    """Yield a listening socket on a free port, for HAProxy to accept from."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        yield server


def address_of(name: tuple[str, int]) -> InetAddress:
    """Make an address of what `getsockname` returns."""
    return inet_address(name[0], name[1])


@contextmanager
def haproxy(directory: Path, sections: str, *listening: socket.socket) -> Iterator[None]:
    """Run HAProxy while the block runs; it accepts from sockets that listen already.

    `sections` binds to each of them as `fd@` and its number. Who connects before HAProxy is there
    is served once it is.
    """
    config = directory / "haproxy.cfg"
    config.write_text(_HAPROXY + sections)
    command = ["haproxy", "-q", "-db", "-f", str(config)]
    with _running(command, directory / "haproxy.err", [each.fileno() for each in listening]):
        yield


@contextmanager
def nginx(directory: Path, *, http: str = "", stream: str = "") -> Iterator[None]:
    """Run nginx with what is added to its block `http`, and a block `stream`."""
    ready = free_port()
    config = directory / "nginx.conf"
    config.write_text(
        _NGINX.format(
            load=_load_stream() if stream else "",
            directory=directory,
            ready=ready,
            http=http,
            rest=f"stream {{ {stream} }}" if stream else "",
        )
    )
    error_log = directory / "nginx.err"
    with _running(["nginx", "-e", "stderr", "-c", str(config)], error_log, []):
        wait_until(lambda: _accepts(ready))
        yield


def _load_stream() -> str:
    told = subprocess.run(["nginx", "-V"], capture_output=True, text=True, check=True).stderr
    module = stream_module(told)
    if module == BUILT_IN:
        return ""
    if module is None or not module.exists():
        pytest.skip("nginx has no stream module")
    return f"load_module {module};"


def _accepts(port: int) -> bool:
    with suppress(ConnectionError), connect(port):
        return True
    return False


@contextmanager
def _running(command: list[str], errors: Path, descriptors: Sequence[int]) -> Iterator[None]:
    """Run a program while the block runs; it must not end by itself."""
    with (
        errors.open("wb") as told,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=told, pass_fds=descriptors
        ) as popen,
    ):
        try:
            yield
        finally:
            status = popen.poll()
            popen.kill()
    assert status is None, errors.read_text()
