"""The backends: an nginx that answers every request at once, and iperf3 servers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs

from benchmarks.processes import (
    HOST,
    BenchmarkError,
    Process,
    find_program,
    free_ports,
    program,
    running,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

#: The end of every answer of nginx.
BODY = "ok\n"

# Without keepalive_requests it closes a connection after a thousand.
_NGINX = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/nginx-error.log;
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen {host}:{port} backlog=4096;
        location / {{ return 200 "ok\\n"; }}
    }}
}}
"""


@attrs.frozen
class Ports:
    """Where requests go, and bulk data: to the backend, and back from it.

    They are two, because an iperf3 server has one client at a time.
    """

    web: int
    bulk: int
    bulk_back: int


def pick_ports() -> Ports:
    """Return ports that are free now."""
    return Ports(*free_ports(3))


@contextmanager
def backends(directory: Path) -> Iterator[Ports]:
    """Serve while the block runs. Without iperf3 nobody serves bulk; its works are left out.

    Raises BenchmarkError when nginx is missing or does not start.
    """
    ports = pick_ports()
    with running(_nginx(directory, ports.web), port=ports.web, log=directory / "backend.log"):
        if find_program("iperf3") is None:
            yield ports
            return
        with _iperf(directory, ports.bulk), _iperf(directory, ports.bulk_back):
            yield ports


def _iperf(directory: Path, port: int) -> AbstractContextManager[Process]:
    command = [program("iperf3"), "--server", "--bind", HOST, "--port", str(port)]
    return running(command, port=port, log=directory / f"iperf3-{port}.log")


def _nginx(directory: Path, port: int) -> list[str]:
    config = directory / "backend.conf"
    config.write_text(_NGINX.format(directory=directory, host=HOST, port=port))
    if find_program("nginx") is None:
        raise BenchmarkError("the backend is nginx, which is not installed")
    return [program("nginx"), "-e", str(directory / "nginx-error.log"), "-c", str(config)]
