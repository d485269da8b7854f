"""trio's own idea of a half-closeable stream holds for a client and a backend joined by us."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from support.joined import joining
from trio.testing import check_half_closeable_stream

from trio_balancer.wire.address import SocketAddress, UnixAddress, inet_address

if TYPE_CHECKING:
    from pathlib import Path


def _address(kind: str, directory: Path, name: str) -> SocketAddress:
    if kind == "unix":
        return UnixAddress(str(directory / name))
    return inet_address({"ipv4": "127.0.0.1", "ipv6": "::1"}[kind], 0)


@pytest.mark.parametrize("backend", ["ipv4", "ipv6", "unix"])
@pytest.mark.parametrize("client", ["ipv4", "ipv6", "unix"])
async def test_half_closeable_stream(tmp_path: Path, client: str, backend: str) -> None:
    listener = _address(client, tmp_path, "listener")
    async with joining(listener, _address(backend, tmp_path, "backend")) as joined:

        async def maker() -> tuple[trio.SocketStream, trio.SocketStream]:
            ours, theirs = await joined.connect()
            return trio.SocketStream(ours), trio.SocketStream(theirs)

        with trio.fail_after(20):
            await check_half_closeable_stream(maker, None)
