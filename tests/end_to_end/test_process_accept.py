from __future__ import annotations

import resource
import select
import signal
import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.process import Process, balancer, config_text, need, wait_until
from support.servers import ask, connect, echo_server, exchange

from trio_balancer.flow.listen import BATCH

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

# All of accept(2), the network errors that Linux passes on included; EINTR has a test of its own.
ERRORS = (
    *("EAGAIN", "ECONNABORTED", "EINVAL", "EBADF", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"),
    *("ENOTSOCK", "EOPNOTSUPP", "EPERM", "EPROTO", "EFAULT", "ENETDOWN", "ENOPROTOOPT"),
    *("EHOSTDOWN", "ENONET", "EHOSTUNREACH", "ENETUNREACH"),
)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    need("strace")
    directory = tmp_path_factory.mktemp("accept")
    with echo_server() as backend, balancer(directory, config_text(backend)) as process:
        yield process
        assert process.stop() == 0


@contextmanager
def _injected(process: Process, what: str, log: Path) -> Iterator[None]:
    """Let the kernel's `accept4` fail for this process while the block runs."""
    inject = f"inject=accept4:{what}"
    command = ["strace", "-f", "-p", str(process.pid), "-o", str(log), "-e", inject]
    status = Path(f"/proc/{process.pid}/status")
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE)
    with tracer:
        try:
            assert tracer.stderr is not None
            if b"attached" not in tracer.stderr.readline():
                pytest.skip("strace may not attach to a process here")
            wait_until(lambda: "TracerPid:\t0\n" not in status.read_text())
            yield
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait(10)


def _injections(log: Path) -> int:
    return log.read_text().count("(INJECTED)")


@pytest.mark.parametrize("error", ERRORS)
def test_no_error_of_accept_ends_it_or_makes_it_spin(
    process: Process, error: str, tmp_path: Path
) -> None:
    log = tmp_path / "strace"
    before = process.cpu_seconds()
    lines = process.stdout().count("Accepting failed")
    with ExitStack() as stack:
        with _injected(process, f"error={error}:when=1+", log):
            began = time.monotonic()
            client = stack.enter_context(connect(process.port))
            client.sendall(b"x")
            wait_until(lambda: _injections(log) >= 6)
            tries, seconds = _injections(log), time.monotonic() - began
        relieved = time.monotonic()
        assert exchange(client, b"y") == b"xy"
        # Generous: the promise is 0.2 s.
        assert time.monotonic() - relieved < 1
    # 5, 10, 20, 40, 80 ms, then one every 100 ms.
    assert tries <= 6 + seconds / 0.1
    assert process.cpu_seconds() - before < 0.5
    told = process.stdout().count("Accepting failed") - lines
    assert told <= 2 + seconds
    assert ask(process.port) == b"hello"


def test_interrupted_accept(process: Process, tmp_path: Path) -> None:
    """Python itself tries again, at once (PEP 475)."""
    log = tmp_path / "strace"
    with _injected(process, "error=EINTR:when=1..40", log):
        assert ask(process.port) == b"hello"
        wait_until(lambda: _injections(log) == 40)
    assert ask(process.port) == b"hello"


def _has_news(client: socket.socket) -> bool:
    return bool(select.select([client], [], [], 0)[0])


# One leaves an odd number of descriptors, so that the last one goes to a client that cannot be
# connected any more.
@pytest.mark.parametrize("limit", [64, 65])
def test_no_descriptor_is_left(tmp_path: Path, limit: int) -> None:
    need("prlimit")
    with echo_server() as backend, balancer(tmp_path, config_text(backend)) as process:
        command = ["prlimit", "--pid", str(process.pid), f"--nofile={limit}"]
        subprocess.run(command, check=True)
        with ExitStack() as stack:
            clients = [stack.enter_context(connect(process.port)) for _ in range(100)]
            for client in clients:
                with suppress(ConnectionResetError):
                    client.sendall(b"x")
            wait_until(lambda: "Too many open files" in process.stdout())
            # Clients are accepted in batches, and those of the last one may not be connected.
            wait_until(lambda: process.open_files() >= limit - 2 - BATCH)
            # Once it has dealt with those it can, and for as long as the others wait.
            wait_until(lambda: _share_of_a_processor(process) < 0.05)
            assert process.popen.poll() is None
            served = [one for one in clients if _has_news(one) and _was_served(one)]
            assert len(served) >= 20
        # Generous: the promise is 0.2 s.
        wait_until(lambda: _is_served(process.port), within=2)
        assert [ask(process.port) for _ in range(10)] == [b"hello"] * 10
        assert process.stop() == 0


def _share_of_a_processor(process: Process) -> float:
    """Look at it for a second."""
    before, began = process.cpu_seconds(), time.monotonic()
    wait_until(lambda: time.monotonic() - began >= 1)
    return (process.cpu_seconds() - before) / (time.monotonic() - began)


def _is_served(port: int) -> bool:
    try:
        return ask(port) == b"hello"
    except ConnectionResetError:
        return False


def _was_served(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b"x"
    except ConnectionResetError:
        return False


def test_a_thousand_clients_while_it_is_stopped(tmp_path: Path) -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    waiting = int(Path("/proc/sys/net/core/somaxconn").read_text())
    if min(waiting, hard // 4) < 1000:
        pytest.skip("this machine's limits do not let a thousand clients wait")
    with echo_server() as backend, balancer(tmp_path, config_text(backend)) as process:
        with ExitStack() as stack:
            process.signal(signal.SIGSTOP)
            clients = [stack.enter_context(connect(process.port)) for _ in range(1000)]
            process.signal(signal.SIGCONT)
            assert [exchange(client, b"hello") for client in clients] == [b"hello"] * 1000
        assert process.stop() == 0
    assert "Stopped accepted=1000" in process.stdout()
