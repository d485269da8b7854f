"""Certificates as a configuration names them, and what runs with them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from support.process import config_text
from support.proxy_programs import nginx
from support.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trio_balancer.config.model_tls import CertificateFiles

HOST = "a.example"


def tables(*certificates: CertificateFiles) -> str:
    """Write the value of `certificates`."""
    return f"[{', '.join(_table(each) for each in certificates)}]"


def _table(files: CertificateFiles) -> str:
    return f'{{ cert = "{files.cert}", key = "{files.key}" }}'


def terminating(port: int, *certificates: CertificateFiles, tls: str = "", pool: str = "") -> str:
    """Write a configuration that ends TLS in front of a port; `tls` and `pool` are more lines."""
    listener = f"[listeners.web.tls]\ncertificates = {tables(*certificates)}\n{tls}\n"
    return config_text(port, log='format = "json"', listener=listener, pool=pool)


def originating(port: int, tls: str, *, listener: str = "", pool: str = "") -> str:
    """Write a configuration that begins TLS toward a port; `tls` are the lines of its table."""
    more = f"connect_attempts = 1\n{pool}\n[pools.app.tls]\n{tls}"
    return config_text(port, log='format = "json"', listener=listener, pool=more)


@contextmanager
def web_server(directory: Path, body: str, files: CertificateFiles | None = None) -> Iterator[int]:
    """Run nginx, in TLS if there is a certificate; `body` is what its server says and does."""
    port = free_port()
    tls = ""
    if files is not None:
        tls = f"ssl_certificate {files.cert}; ssl_certificate_key {files.key};"
    server = f"""
        server {{
            listen 127.0.0.1:{port} {"ssl" if tls else ""};
            ssl_protocols TLSv1.2 TLSv1.3;
            {tls}
            {body}
        }}
    """
    with nginx(directory, http=server):
        yield port
