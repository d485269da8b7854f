"""Our TLS and other people's: the openssl program and curl, over real sockets."""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from support.tls import HOST, Rig

from trio_balancer.config.model_tls import ClientCertificates
from trio_balancer.network import SocketNetwork, SocketOptions
from trio_balancer.network.tls_errors import TlsError
from trio_balancer.network.tls_server import ServerTls
from trio_balancer.wire.address import InetAddress, inet_address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from trio_balancer.network.tls_stream import TlsStream

VERSIONS = ("-tls1_2", "-tls1_3")
LOOPBACK = inet_address("127.0.0.1", 0)
OPTIONS = SocketOptions()


def needs(program: str) -> pytest.MarkDecorator:
    missing = shutil.which(program) is None
    return pytest.mark.skipif(missing, reason=f"there is no {program} program here")


@attrs.define(eq=False)
class Served:
    """A TLS server on a real port, which serves one client."""

    port: int = 0
    stream: TlsStream | None = None
    error: TlsError | None = None


@asynccontextmanager
async def serving(
    server: ServerTls, behave: Callable[[TlsStream], Awaitable[None]]
) -> AsyncIterator[Served]:
    network = SocketNetwork()
    async with trio.open_nursery() as nursery:
        await nursery.start(network.run)
        listener = await network.listen(LOOPBACK, backlog=10, options=OPTIONS)
        assert isinstance(listener.address, InetAddress)
        served = Served(listener.address.port)

        async def serve() -> None:
            await listener.wait_ready()
            accepted = listener.accept_nowait()
            try:
                served.stream = await server.accept(accepted)
                await behave(served.stream)
            except TlsError as error:
                served.error = error
            finally:
                accepted.close()

        async with trio.open_nursery() as inner:
            inner.start_soon(serve)
            with trio.fail_after(20):
                yield served
        listener.close()
        nursery.cancel_scope.cancel()


async def echo_and_end(stream: TlsStream) -> None:
    await stream.send_all(b"you said " + await stream.receive_some())
    await stream.send_eof()


async def run(*command: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return await trio.run_process(
        [str(part) for part in command],
        stdin=stdin,
        capture_stdout=True,
        capture_stderr=True,
        check=False,
    )


def s_client(served: Served, *options: str) -> list[str]:
    where = f"127.0.0.1:{served.port}"
    return ["openssl", "s_client", "-connect", where, "-servername", HOST, *options]


@needs("openssl")
@pytest.mark.parametrize("version", VERSIONS)
async def test_s_client_is_served(tmp_path: Path, version: str) -> None:
    rig = Rig(tmp_path)
    rig.serve(rig.authority.listener(HOST, alpn=("h2",)))
    trusting = ("-CAfile", rig.authority.ca, "-verify_return_error", "-verify_hostname", HOST)
    async with serving(rig.server, echo_and_end) as served:
        done = await run(
            *s_client(served, *trusting, version, "-alpn", "h2", "-quiet"), stdin=b"hello\n"
        )
    assert done.returncode == 0
    assert done.stdout == b"you said hello\n"
    assert served.stream is not None
    assert served.stream.info.alpn == "h2"
    assert served.stream.info.server_name == HOST


@needs("openssl")
@pytest.mark.parametrize("version", VERSIONS)
async def test_s_client_reads_our_end_as_a_close_notify(tmp_path: Path, version: str) -> None:
    rig = Rig(tmp_path)
    async with serving(rig.server, echo_and_end) as served:
        done = await run(*s_client(served, version, "-msg", "-ign_eof"), stdin=b"hello\n")
    assert b"<<< TLS 1.2, Alert [length 0002], warning close_notify" in done.stdout or re.search(
        rb"<<< TLS 1.[23], Alert .*\n    01 00", done.stdout
    )


@needs("openssl")
async def test_s_client_that_does_not_trust_us_says_so(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    async with serving(rig.server, echo_and_end) as served:
        await run(*s_client(served, "-verify_return_error", "-no-CAfile", "-no-CApath"))
    assert str(served.error) == 'the peer sent the alert "unknown ca"'


@needs("openssl")
@pytest.mark.parametrize("version", VERSIONS)
async def test_s_client_is_told_what_it_lacks(tmp_path: Path, version: str) -> None:
    rig = Rig(tmp_path)
    rig.serve(
        rig.authority.listener(
            HOST, client_certificates=ClientCertificates.REQUIRED, client_ca=rig.authority.ca
        )
    )
    async with serving(rig.server, echo_and_end) as served:
        done = await run(*s_client(served, version, "-ign_eof"))
    assert str(served.error) == "the peer sent no certificate"
    assert re.search(rb"alert (certificate required|handshake failure)", done.stderr)


@needs("curl")
@pytest.mark.parametrize("version", ["1.2", "1.3"])
async def test_curl_is_served(tmp_path: Path, version: str) -> None:
    rig = Rig(tmp_path)
    rig.serve(
        rig.authority.listener(
            HOST,
            alpn=("http/1.1",),
            client_certificates=ClientCertificates.REQUIRED,
            client_ca=rig.authority.ca,
        )
    )
    alice = rig.authority.issue("alice@example", common_name="alice")

    async def answer(stream: TlsStream) -> None:
        await stream.receive_some()
        # Without a length: curl takes the body for complete at a close_notify only.
        await stream.send_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + bytes(1 << 20))
        await stream.send_eof()

    async with serving(rig.server, answer) as served:
        done = await run(
            "curl", "-sS", "--cacert", rig.authority.ca, "--cert", alice.cert, "--key", alice.key,
            "--resolve", f"{HOST}:{served.port}:127.0.0.1", f"--tlsv{version}",
            "--tls-max", version, f"https://{HOST}:{served.port}/",
        )  # fmt: skip
    assert done.stderr == b""
    assert done.stdout == bytes(1 << 20)
    assert served.stream is not None
    assert served.stream.info.client_common_name == "alice"
    assert served.stream.info.version == f"TLSv{version}"


@asynccontextmanager
async def s_server(rig: Rig, *options: str) -> AsyncIterator[InetAddress]:
    files = rig.authority.issue(HOST)
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-naccept", "1"]
    command += ["-cert", files.cert, "-key", files.key, *options]
    start = partial(trio.run_process, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    async with trio.open_nursery() as nursery:
        process = await nursery.start(partial(start, stderr=subprocess.DEVNULL, check=False))
        with trio.fail_after(20):
            banner = b""
            while not (found := re.search(rb"ACCEPT \S*:(\d+)", banner)):
                banner += await process.stdout.receive_some()
            yield inet_address("127.0.0.1", int(found[1]))
        nursery.cancel_scope.cancel()


@needs("openssl")
@pytest.mark.parametrize("version", VERSIONS)
async def test_s_server_serves_us(tmp_path: Path, version: str) -> None:
    rig = Rig(tmp_path)
    ours = rig.authority.issue("balancer@example", common_name="balancer")
    rig.dial(rig.authority.pool(certificate=ours, alpn=("h2",)))
    options = ("-rev", version, "-alpn", "h2", "-Verify", "1", "-CAfile", rig.authority.ca)
    network = SocketNetwork()
    async with trio.open_nursery() as nursery:
        await nursery.start(network.run)
        async with s_server(rig, *options) as address:
            plain = await network.connect(address, options=OPTIONS)
            client = await rig.client.connect(plain, HOST)
            assert client.info.alpn == "h2"
            await client.send_all(b"hello\n")
            assert await client.receive_some() == b"olleh\n"
            await client.send_all(b"CLOSE\n")
            assert await client.receive_some() == b""
            await client.aclose()
        nursery.cancel_scope.cancel()


@needs("openssl")
async def test_s_server_of_an_unknown_authority(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    other = Rig(tmp_path / "other")
    network = SocketNetwork()
    async with trio.open_nursery() as nursery:
        await nursery.start(network.run)
        async with s_server(other) as address:
            plain = await network.connect(address, options=OPTIONS)
            with pytest.raises(TlsError, match="certificate verify failed"):
                await rig.client.connect(plain, HOST)
            plain.reset()
        nursery.cancel_scope.cancel()
