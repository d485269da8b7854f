"""Move bytes one way until end-of-file, and pass the end-of-file on."""

from __future__ import annotations

import trio

from trio_balancer.relay.way import Outcome, Outlet, Way


async def copy(way: Way, prefix: bytes = b"", outlet: Outlet | None = None) -> Outcome:
    """Copy from the way's source to its sink; `prefix` is what was already read.

    Where there is an `outlet`, that is what bytes and end-of-file are given to.

    At most one chunk is in memory: a sink that does not take it stops the reading. An
    end-of-file of the source becomes one of the sink, after every byte, unless the pair broke:
    then it may be no end at all, and must not look like one.

    A broken leg is told by the outcome. Never raises, but for bugs and cancellation.
    """
    chunk: bytes | bytearray = prefix
    del prefix
    outlet = way.sink if outlet is None else outlet
    while True:
        if chunk and not await _pass_on(way, chunk, outlet):
            return Outcome.SINK_BROKE
        chunk = b""  # an idle connection keeps nothing
        try:
            chunk = await way.source.receive_some()
        except trio.BrokenResourceError:
            return Outcome.SOURCE_BROKE
        if not chunk:
            return await _end(way, outlet)


async def _pass_on(way: Way, chunk: bytes | bytearray, outlet: Outlet) -> bool:
    """Send a chunk; say whether the sink took it all."""
    way.pair.spoke_last = way.source
    way.sending = True
    try:
        await outlet.send_all(chunk)
    except trio.BrokenResourceError:
        return False
    way.sending = False
    return True


async def _end(way: Way, outlet: Outlet) -> Outcome:
    """Turn the source's end-of-file into the sink's."""
    if way.pair.broken is not None:
        return Outcome.SINK_BROKE if way.pair.broken is way.sink else Outcome.SOURCE_BROKE
    # Now: toward TLS, our end-of-file makes the other way end before this one is through.
    way.pair.mark_closed(way.source)
    try:
        await outlet.send_eof()
    except trio.BrokenResourceError:
        return Outcome.SINK_BROKE
    way.finished = True
    return Outcome.FINISHED


async def discard(way: Way) -> bool:
    """Take and drop what the source sends; say whether it ended (True) or broke (False).

    A peer that is still uploading to a broken sink reads our answer only when it has got rid of
    its upload.
    """
    try:
        while await way.source.receive_some():
            pass
    except trio.BrokenResourceError:
        way.pair.mark_broken(way.source)
        return False
    return True
