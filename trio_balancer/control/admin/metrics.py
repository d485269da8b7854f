"""The page that Prometheus reads, written so that it disturbs nobody.

With hundreds of backends it has more than ten thousand lines, which take longer to write than any
connection should wait: other tasks run between small parts of it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs
import trio
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric as Family

from trio_balancer.control.admin.families import families
from trio_balancer.control.admin.histograms import Histograms, present_labels
from trio_balancer.control.admin.snapshot import take_snapshot
from trio_balancer.control.operations import Operations
from trio_balancer.control.phase import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: Lines that are written in one go, some 2 ms.
MOST_LINES = 500


@attrs.define(eq=False)
class Metrics:
    """The metrics of one balancer: a collector in a registry of its own, nothing global."""

    operations: Operations
    histograms: Histograms = attrs.Factory(Histograms)
    registry: CollectorRegistry = attrs.Factory(CollectorRegistry)
    _writing: trio.Lock = attrs.Factory(trio.Lock)

    def __attrs_post_init__(self) -> None:
        self.registry.register(self)

    def collect(self) -> Iterator[Family]:
        """Take a snapshot and iterate over what it says."""
        return families(take_snapshot(self.operations), self.histograms)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count finished connections until the block ends."""
        balancer = self.operations.balancer
        balancer.runtime.observe(self.histograms.add)
        balancer.followers.append(self._follow)
        try:
            yield
        finally:
            balancer.followers.remove(self._follow)
            balancer.runtime.stop_observing(self.histograms.add)

    def _follow(self, phase: Phase) -> None:
        """Settle the histograms after a reload: some may have left."""
        if phase is not Phase.RELOADING:
            self.histograms.settle(present_labels(self.operations.balancer.statistics()))

    async def page(self) -> bytes:
        """Write all of it in Prometheus's text format, version 0.0.4; one page at a time."""
        written = bytearray()
        async with self._writing:
            for family in self.registry.collect():
                for part in _parts(family):
                    written += part
                    await trio.lowlevel.checkpoint()
        return bytes(written)


@attrs.frozen
class _Alone:
    """A collector of one family."""

    family: Family

    def collect(self) -> Iterable[Family]:
        return [self.family]


def _parts(family: Family) -> Iterator[bytes]:
    samples = family.samples
    for start in range(0, len(samples), MOST_LINES):
        family.samples = samples[start : start + MOST_LINES]
        text = generate_latest(_Alone(family))
        # What the family is called and what it means stands above its first part only.
        yield text.split(b"\n", 2)[2] if start else text
