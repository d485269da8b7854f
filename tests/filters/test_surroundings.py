from __future__ import annotations

from functools import partial

from trio_balancer.config.model import LogConfig
from trio_balancer.filters import Surroundings
from trio_balancer.flow.log import Log
from trio_balancer.flow.log_sink import MemorySink


async def test_the_balancers_log_is_one() -> None:
    sink = MemorySink()
    log = Log(LogConfig(), sink, wall_clock=lambda: 0.0, pid=1)

    def warn(kind: str, message: str, /, **fields: object) -> None:
        log.limited(kind, LogConfig().level, message, **fields)

    around = Surroundings(partial(log.info), warn, lambda: 0.0)
    around.log("Data", text="a\nforged line")
    around.warn("filter web", "A filter failed", trace="x")
    around.warn("filter web", "A filter failed", trace="x")
    assert [line.partition(" info ")[2] for line in sink.lines] == [
        r'Data text="a\nforged line"',
        "A filter failed trace=x",
    ]
