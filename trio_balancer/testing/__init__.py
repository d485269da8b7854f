"""For tests: a balancer in the test's own process, a network to break, a network in memory.

`open_balancer` is for trio tests, `open_balancer_asyncio` and `open_balancer_sync` for others; in
pytest, `plugin.py` has fixtures that choose among them. How the harness is made:

    open_balancer ── Harness ─┬─ Runner            serve() in a system task
                              ├─ Observer          timeline, records, counts
                              ├─ WatchedNetwork    Link and WatchedStream: what nemeses act on
                              ├─ Backends          BackendHandle, ServerHandle, ServerProcess
                              └─ Faults            FaultHandle
"""

from trio_balancer.faults import FaultError
from trio_balancer.testing.asyncio_backend import AsyncioBackend
from trio_balancer.testing.asyncio_harness import AsyncioHarness, open_balancer_asyncio
from trio_balancer.testing.conclusion import BalancerBugError
from trio_balancer.testing.connections import SeenConnection
from trio_balancer.testing.determinism import deterministic_order, run_in_virtual_time
from trio_balancer.testing.events import Event, EventKind
from trio_balancer.testing.fault_handle import FaultHandle
from trio_balancer.testing.harness import Harness
from trio_balancer.testing.leaks import LeakError
from trio_balancer.testing.memory_connection import memory_connection
from trio_balancer.testing.memory_history import History
from trio_balancer.testing.memory_listener import MemoryListener
from trio_balancer.testing.memory_network import MemoryNetwork
from trio_balancer.testing.memory_stream import MemoryStream
from trio_balancer.testing.nemesis import BackendHandle
from trio_balancer.testing.open_balancer import open_balancer
from trio_balancer.testing.recording import Recording, RecordingError, read_recordings
from trio_balancer.testing.remote_fault import RemoteFault
from trio_balancer.testing.replay import ReplayError, replay_as_backend, replay_as_client
from trio_balancer.testing.server_handle import ServerHandle
from trio_balancer.testing.server_process import ServerError
from trio_balancer.testing.sync_backend import SyncBackend
from trio_balancer.testing.sync_harness import SyncHarness, open_balancer_sync
from trio_balancer.testing.virtual_link import VirtualLink

__all__ = [
    "AsyncioBackend",
    "AsyncioHarness",
    "BackendHandle",
    "BalancerBugError",
    "Event",
    "EventKind",
    "FaultError",
    "FaultHandle",
    "Harness",
    "History",
    "LeakError",
    "MemoryListener",
    "MemoryNetwork",
    "MemoryStream",
    "Recording",
    "RecordingError",
    "RemoteFault",
    "ReplayError",
    "SeenConnection",
    "ServerError",
    "ServerHandle",
    "SyncBackend",
    "SyncHarness",
    "VirtualLink",
    "deterministic_order",
    "memory_connection",
    "open_balancer",
    "open_balancer_asyncio",
    "open_balancer_sync",
    "read_recordings",
    "replay_as_backend",
    "replay_as_client",
    "run_in_virtual_time",
]
