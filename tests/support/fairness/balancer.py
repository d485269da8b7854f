"""A balancer that measures its own loop: how late timers are, and how long a health check takes.

    python balancer.py APP_PORT BULK_PORT

Prints the ports of the listeners "web" (to APP_PORT) and "bulk" (to BULK_PORT) as one line of
JSON; then, for each line on standard input, one with what was measured since the line before, in
seconds.
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial

import trio

from trio_balancer import parse_config, serve
from trio_balancer.balancer import Balancer
from trio_balancer.config.model_health import CheckType, HealthConfig
from trio_balancer.flow.log_sink import MemorySink
from trio_balancer.health.probe import probe
from trio_balancer.wire.address import inet_address

EVERY = 0.005
CONFIG = """
[log]
connections = false
[listeners.web]
bind = "127.0.0.1:0"
pool = "app"
[listeners.bulk]
bind = "127.0.0.1:0"
pool = "bulk"
[pools.app]
backends = ["127.0.0.1:{app}"]
health.type = "none"
[pools.bulk]
backends = ["127.0.0.1:{bulk}"]
health.type = "none"
"""
CHECK = HealthConfig(type=CheckType.EXPECT, send=b"ping", expect=b"ping")


class Measures(trio.abc.Instrument):
    """What a connection beside bulk would feel.

    `timers`: how late a sleeping task wakes. `checks`: what a health check takes. `passes`: the
    processor time between two looks at the timers and the kernel, which is how late our own work
    makes whatever is due.
    """

    def __init__(self) -> None:
        self.timers: list[float] = []
        self.checks: list[float] = []
        self.passes: list[float] = []
        self._pass_began = time.thread_time()

    def after_io_wait(self, timeout: float) -> None:
        self._pass_began = time.thread_time()

    def before_io_wait(self, timeout: float) -> None:
        self.passes.append(time.thread_time() - self._pass_began)

    async def watch_timers(self) -> None:
        while True:
            due = trio.current_time() + EVERY
            await trio.sleep_until(due)
            self.timers.append(trio.current_time() - due)

    async def check(self, balancer: Balancer, port: int) -> None:
        runtime = balancer.runtime
        while True:
            await trio.sleep(EVERY)
            address = inet_address("127.0.0.1", port)
            result = await probe(runtime.network, runtime.names, CHECK, address)
            assert result.ok, result
            self.checks.append(result.duration)

    def report(self) -> str:
        measured = {"timers": self.timers, "checks": self.checks, "passes": self.passes}
        line = json.dumps(measured)
        for values in measured.values():
            values.clear()
        return line


async def main(app: int, bulk: int) -> None:
    measures = Measures()
    trio.lowlevel.add_instrument(measures)
    config = parse_config(CONFIG.format(app=app, bulk=bulk))
    async with trio.open_nursery() as nursery:
        balancer = await nursery.start(partial(serve, config, log_sink=MemorySink()))
        ports = {name: bound[0].port for name, bound in balancer.addresses.items()}
        print(json.dumps(ports), flush=True)
        nursery.start_soon(measures.watch_timers)
        nursery.start_soon(measures.check, balancer, app)
        async for _line in trio.lowlevel.FdStream(sys.stdin.fileno()):
            print(measures.report(), flush=True)
        nursery.cancel_scope.cancel()


trio.run(main, int(sys.argv[1]), int(sys.argv[2]))
