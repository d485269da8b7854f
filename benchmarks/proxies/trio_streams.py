"""A proxy on `trio.SocketStream`."""

from __future__ import annotations

from functools import partial

import trio

from benchmarks.processes import HOST
from benchmarks.proxies import BACKLOG, CHUNK, parser


async def _copy(source: trio.SocketStream, sink: trio.SocketStream) -> None:
    while data := await source.receive_some(CHUNK):
        await sink.send_all(data)
    await sink.send_eof()


async def _bridge(backend: int, client: trio.SocketStream) -> None:
    try:
        server = await trio.open_tcp_stream(HOST, backend)
        async with server, trio.open_nursery() as nursery:
            nursery.start_soon(_copy, client, server)
            nursery.start_soon(_copy, server, client)
    except* (OSError, trio.BrokenResourceError):
        pass  # a peer reset the connection: both legs are closed


async def _serve(pairs: list[tuple[int, int]]) -> None:
    async with trio.open_nursery() as nursery:
        for listen, backend in pairs:
            serve = partial(trio.serve_tcp, host=HOST, backlog=BACKLOG)
            nursery.start_soon(serve, partial(_bridge, backend), listen)


if __name__ == "__main__":
    trio.run(_serve, parser().parse_args().pairs)
