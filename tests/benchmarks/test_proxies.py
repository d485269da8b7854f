import sys
from pathlib import Path

import pytest

from benchmarks.backends import Ports
from benchmarks.fixed_rate import fixed_rate
from benchmarks.peers import PEERS, Missing
from benchmarks.processes import free_ports, running
from benchmarks.proxies import pair

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it needs epoll")

_SERVER = """
import socketserver, sys
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            if not line.strip():
                self.wfile.write(b"ok\\n")
class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_a_pair_of_ports() -> None:
    assert pair("80:8080") == (80, 8080)


@pytest.mark.parametrize("name", ["balancer", "uvloop", "asyncio", "trio"])
def test_a_peer_carries_requests_and_their_latency_is_measured(name: str, tmp_path: Path) -> None:
    peer = PEERS[name]
    assert peer.version is not None
    if isinstance(found := peer.version(), Missing):
        pytest.skip(found.reason)
    web, *others, backend = free_ports(4)
    server = [sys.executable, "-c", _SERVER, str(backend)]
    command = peer.command(tmp_path, Ports(web, *others), Ports(backend, backend, backend))
    with (
        running(server, port=backend, log=tmp_path / "server.log"),
        running(command, port=web, log=tmp_path / "peer.log"),
    ):
        latency = fixed_rate(web, rate=100, connections=4, seconds=1)
    assert latency.count == 100
    assert 0 < latency.p50 <= latency.p99 <= latency.p999
