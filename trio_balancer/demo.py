"""`--demo`: small stand-in HTTP servers, so that a newcomer sees balancing at once."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from trio_balancer.network.errors import describe
from trio_balancer.wire.address import InetAddress, UnixAddress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trio_balancer.config.model import BackendConfig, Config
    from trio_balancer.wire.address import SocketAddress

# Seconds until a stand-in notices that it is to stop. They stop one after the other, and a second
# SIGTERM is to end the process at once, so socketserver's half a second is too long.
_SHUTDOWN_POLL = 0.02


class DemoError(OSError):
    """A stand-in could not be started; the message is a sentence that says why."""


@contextmanager
def stand_ins(config: Config) -> Iterator[None]:
    """Serve at every loopback backend address of the configuration while the block runs.

    Each answers every request with its own name. Raises DemoError when there is no such address
    or one of them is taken.
    """
    backends = _loopback_backends(config)
    if not backends:
        raise DemoError("--demo finds no backend with a loopback address, such as 127.0.0.1:9001")
    with ExitStack() as stack:
        for address, backend in backends.items():
            stack.enter_context(_stand_in(address, backend.name))
        yield


def invitation(config: Config, addresses: Mapping[str, Sequence[SocketAddress]]) -> str:
    """Say who stands in and what to try; `addresses` are the bound ones of each listener."""
    names = ", ".join(backend.name for backend in _loopback_backends(config).values())
    first = next(iter(addresses.values()))[0]
    if isinstance(first, UnixAddress):
        command = f"curl --unix-socket {first.path} http://localhost/"
    else:
        command = f"curl http://{first}/"
    return f"Stand-ins answer as {names}. Try, a few times: {command}"


def _loopback_backends(config: Config) -> dict[InetAddress, BackendConfig]:
    return {
        backend.address: backend
        for pool in config.pools.values()
        for backend in pool.backends
        if isinstance(backend.address, InetAddress) and backend.address.ip.is_loopback
    }


@contextmanager
def _stand_in(address: InetAddress, name: str) -> Iterator[None]:
    try:
        server = _Server(address, name)
    except OSError as error:
        message = f"the stand-in for backend {name} cannot bind {address}: {describe(error)}"
        raise DemoError(error.errno, message) from error
    # A daemon: a request that is stuck must not keep the process from ending.
    threading.Thread(
        target=server.serve_forever,
        args=(_SHUTDOWN_POLL,),
        name=f"trio-balancer-demo-{name}",
        daemon=True,
    ).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, address: InetAddress, name: str) -> None:
        self.address_family = (
            socket.AF_INET6 if isinstance(address.ip, IPv6Address) else socket.AF_INET
        )
        self.answer = f"Hello from {name}\n".encode()
        super().__init__((address.host, address.port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: health checks and impatient clients reset, as they do to any server."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """Answer with the backend's name."""
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_args: object) -> None:
        """Say nothing: the balancer's own log is what there is to see."""
