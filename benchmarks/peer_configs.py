"""The configurations: one thread each, no log of connections, no health checks.

Idle timeouts are the same ten minutes everywhere, backlogs and connection limits too.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.processes import HOST

if TYPE_CHECKING:
    from benchmarks.backends import Ports

#: The stream module is a part of nginx itself.
BUILT_IN = Path()

_BALANCER = """
[balancer]
max_connections = 4000
[log]
connections = false
[listeners.web]
bind = "{host}:{ports.web}"
pool = "web"
[listeners.bulk]
bind = "{host}:{ports.bulk}"
pool = "bulk"
[listeners.bulk-back]
bind = "{host}:{ports.bulk_back}"
pool = "bulk-back"
[pools.web]
backends = ["{host}:{backend.web}"]
[pools.web.health]
type = "none"
[pools.bulk]
backends = ["{host}:{backend.bulk}"]
[pools.bulk.health]
type = "none"
[pools.bulk-back]
backends = ["{host}:{backend.bulk_back}"]
[pools.bulk-back.health]
type = "none"
"""

_HAPROXY = """
global
    nbthread 1
    maxconn 4000
defaults
    mode tcp
    option splice-auto
    backlog 4096
    timeout connect 5s
    timeout client 10m
    timeout server 10m
listen web
    bind {host}:{ports.web}
    server nginx {host}:{backend.web}
listen bulk
    bind {host}:{ports.bulk}
    server iperf3 {host}:{backend.bulk}
listen bulk-back
    bind {host}:{ports.bulk_back}
    server iperf3 {host}:{backend.bulk_back}
"""

_NGINX = """
{load}
daemon off;
master_process off;
pid {directory}/stream.pid;
error_log {directory}/stream-error.log;
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
stream {{
    access_log off;
    server {{
        listen {host}:{ports.web} backlog=4096;
        proxy_pass {host}:{backend.web};
    }}
    server {{
        listen {host}:{ports.bulk} backlog=4096;
        proxy_pass {host}:{backend.bulk};
    }}
    server {{
        listen {host}:{ports.bulk_back} backlog=4096;
        proxy_pass {host}:{backend.bulk_back};
    }}
}}
"""


def balancer(ports: Ports, backend: Ports) -> str:
    """Write the balancer's file: nothing but defaults that matter to bytes."""
    return _BALANCER.format(host=HOST, ports=ports, backend=backend)


def haproxy(ports: Ports, backend: Ports) -> str:
    """Write HAProxy's file."""
    return _HAPROXY.format(host=HOST, ports=ports, backend=backend)


def nginx(directory: Path, module: Path | None, ports: Ports, backend: Ports) -> str:
    """Write nginx's file; `module` is what `stream_module` found."""
    load = "" if module in (None, BUILT_IN) else f"load_module {module};"
    return _NGINX.format(directory=directory, load=load, host=HOST, ports=ports, backend=backend)


def stream_module(build: str) -> Path | None:
    """Find the stream module by the output of `nginx -V`: its file, BUILT_IN or None."""
    if "--with-stream=dynamic" not in build:
        return BUILT_IN if re.search(r"--with-stream(\s|$)", build) else None
    found = re.search(r"--modules-path=(\S+)", build)
    return Path(found[1], "ngx_stream_module.so") if found else None
