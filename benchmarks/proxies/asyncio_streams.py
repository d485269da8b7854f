"""A proxy on asyncio's streams, with asyncio's own event loop or with uvloop's."""

from __future__ import annotations

import asyncio
import importlib
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.processes import HOST
from benchmarks.proxies import BACKLOG, CHUNK, parser

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter


async def _copy(reader: StreamReader, writer: StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def _bridge(backend: int, reader: StreamReader, writer: StreamWriter) -> None:
    backend_writer: StreamWriter | None = None
    try:
        backend_reader, backend_writer = await asyncio.open_connection(HOST, backend)
        await asyncio.gather(_copy(reader, backend_writer), _copy(backend_reader, writer))
    except OSError:
        pass  # a peer reset the connection: close the other leg too
    finally:
        writer.close()
        if backend_writer is not None:
            backend_writer.close()


async def _serve(pairs: list[tuple[int, int]]) -> None:
    for listen, backend in pairs:
        await asyncio.start_server(partial(_bridge, backend), HOST, listen, backlog=BACKLOG)
    await asyncio.Event().wait()


def main() -> None:
    """Serve until a signal ends it."""
    arguments = parser()
    arguments.add_argument("--uvloop", action="store_true")
    options = arguments.parse_args()
    # Imported by name, because the type checker is to do without this optional package.
    loop_factory = importlib.import_module("uvloop").new_event_loop if options.uvloop else None
    with asyncio.Runner(loop_factory=loop_factory) as runner, suppress(KeyboardInterrupt):
        runner.run(_serve(options.pairs))


if __name__ == "__main__":
    main()
