"""curl, `openssl s_client` and Chromium: programs that people point at a balancer."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from support.process import need

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 20

# Nothing on this list changes what is said on the wire to the page's own host.
_CHROMIUM = (
    "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
    " --ignore-certificate-errors --proxy-server=direct:// --dump-dom"
)


def curl(url: str, port: int, *options: str) -> subprocess.CompletedProcess[bytes]:
    """Ask for a URL, whatever its host and its port: the connection goes to 127.0.0.1:`port`."""
    need("curl")
    command = ["curl", "-sS", "--max-time", str(PATIENCE), "--connect-to", f"::127.0.0.1:{port}"]
    return subprocess.run([*command, *options, url], capture_output=True, check=False)


def s_client(port: int, *options: str, say: bytes) -> subprocess.CompletedProcess[bytes]:
    """Say something over TLS and return what comes until the server's end."""
    need("openssl")
    # Quiet also means that the end of what is said does not end the connection.
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-quiet"]
    return subprocess.run(
        [*command, *options], input=say, capture_output=True, check=False, timeout=PATIENCE
    )


def chromium(url: str, port: int, directory: Path) -> str:
    """Open a page, whose host is to be found at 127.0.0.1:`port`; returns the document."""
    need("chromium")
    command = [
        "chromium",
        *_CHROMIUM.split(),
        f"--user-data-dir={directory / 'chromium'}",
        # All that it wants beside the page is nowhere to be found.
        f"--host-resolver-rules=MAP {urlsplit(url).hostname} 127.0.0.1:{port}, MAP * ~NOTFOUND",
        url,
    ]
    return subprocess.run(
        command, capture_output=True, check=True, text=True, timeout=PATIENCE
    ).stdout
