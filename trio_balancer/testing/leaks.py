"""What a balancer under test must not leave behind."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.testing.runner import Runner
    from trio_balancer.testing.server_process import ServerProcess
    from trio_balancer.testing.watched_network import WatchedNetwork

#: Seconds that a thread which only has to return may take for it.
PATIENCE = 5.0
# The only threads that a balancer in somebody else's loop starts.
_LOOKUPS = "trio-balancer-resolve-"


class LeakError(AssertionError):
    """A balancer under test has left something behind; the text says what."""


def lookups_running() -> set[threading.Thread]:
    """Return the threads that look names up now."""
    return {thread for thread in threading.enumerate() if thread.name.startswith(_LOOKUPS)}


async def find_leaks(
    runner: Runner,
    network: WatchedNetwork,
    servers: Sequence[ServerProcess],
    lookups_before: set[threading.Thread],
) -> list[str]:
    """Say what is left of a stopped balancer; waits a moment for threads that are about to end."""
    leaks = []
    if not runner.ended.is_set():
        leaks.append("its tasks go on although they were cancelled")
    leaks += [f"a listener at {listener.address} is open" for listener in network.listeners]
    leaks += [
        f"a connection between {stream.local_address} and {stream.remote_address} is open"
        for stream in network.streams
    ]
    leaks += [f"the server on port {server.port} runs" for server in servers if server.running]
    leaks += [f"thread {name} runs" for name in await _lookups_left(lookups_before)]
    return leaks


async def _lookups_left(before: set[threading.Thread]) -> list[str]:
    with trio.move_on_after(PATIENCE, shield=True):
        while lookups_running() - before:  # noqa: ASYNC110  # threads set no event of trio's
            await trio.sleep(0.01)
    return sorted(thread.name for thread in lookups_running() - before)
