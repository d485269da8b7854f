"""An nginx instance: one process, so that killing it kills all of it."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from support.process import wait_until
from support.servers import ask, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONFIG = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location = / {{ return 200 "{name}\\n"; }}
        location /files/ {{ root {directory}; }}
    }}
}}
"""


@attrs.define(eq=False)
class Nginx:
    """Answers `/` with its name, and `/files/` from its directory; can be killed and restarted."""

    name: str
    port: int
    directory: Path
    popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        text = _CONFIG.format(directory=self.directory, port=self.port, name=self.name)
        config = self.directory / "nginx.conf"
        config.write_text(text)
        command = ["nginx", "-e", str(self.directory / "error.log"), "-c", str(config)]
        self.popen = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            return ask(self.port, b"GET / HTTP/1.0\r\n\r\n").endswith(f"{self.name}\n".encode())
        except ConnectionError:
            return False

    def kill(self) -> None:
        """Kill it without a warning."""
        if self.popen is not None:
            self.popen.kill()
            self.popen.wait()
            self.popen = None


@contextmanager
def nginx(directory: Path, name: str) -> Iterator[Nginx]:
    """Run an instance while the block runs."""
    own = directory / name
    (own / "files").mkdir(parents=True)
    instance = Nginx(name, free_port(), own)
    try:
        instance.start()
        yield instance
    finally:
        instance.kill()
