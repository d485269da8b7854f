"""What the sample project's tests share: a service to talk to, and a look at what is left."""

from __future__ import annotations

import gc
import os
import threading
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    Address = tuple[str, int]


class _Service(ThreadingTCPServer):
    """Says its own name in front of each line that it is sent."""

    daemon_threads = True


class _Handler(BaseRequestHandler):
    def handle(self) -> None:
        _host, port = self.request.getsockname()
        name = str(port).encode()
        with suppress(OSError):
            while data := self.request.recv(1024):
                self.request.sendall(name + b" " + data)


@contextmanager
def _service() -> Iterator[Address]:
    with _Service(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield ("127.0.0.1", server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def services() -> Iterator[list[Address]]:
    with ExitStack() as stack:
        yield [stack.enter_context(_service()) for _ in range(3)]


@pytest.fixture
def balancer_config(services: list[Address]) -> list[Address]:
    return services


class _Left(NamedTuple):
    """What a test must not leave behind."""

    descriptors: Counter[str]
    processes: list[str]


def _look() -> _Left:
    gc.collect()
    descriptors: Counter[str] = Counter()
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, not paths
        with suppress(FileNotFoundError):
            target = os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115 - no file either
            descriptors[target.partition(":")[0]] += 1
    tasks = Path("/proc/self/task").iterdir()
    return _Left(descriptors, [pid for task in tasks for pid in _children(task)])


def _children(task: Path) -> list[str]:
    # Any thread may be the parent; one may have ended since it was listed.
    with suppress(FileNotFoundError, ProcessLookupError):
        return (task / "children").read_text().split()
    return []


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left() -> Iterator[None]:
    before = _look()
    yield
    assert [t.name for t in threading.enumerate() if t.name.startswith("trio-balancer-")] == []
    assert _look() == before
