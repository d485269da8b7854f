"""The filters of a listener: what all its connections share."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import attrs

from trio_balancer.filters.chain import FilterChain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.filters.append_file import AppendFile
    from trio_balancer.filters.chain import Maker
    from trio_balancer.filters.interface import ConnectionInfo
    from trio_balancer.filters.surroundings import End, Surroundings


@attrs.frozen
class FilterStatistics:
    """Since the start: times that a filter failed, and pieces that files have lost."""

    failures: int
    lost: int


@final
class ListenerFilters:
    """Makes the filters of each connection; `load_filters` makes one of these."""

    def __init__(
        self,
        makers: Sequence[Maker],
        files: Sequence[AppendFile],
        buffer: int,
        surroundings: Surroundings,
    ) -> None:
        self._makers = makers
        self._files = files
        self._buffer = buffer
        self._surroundings = surroundings
        self._open_chains = 0
        self._failures = 0
        self._closed = False

    def open(self, info: ConnectionInfo, end: End) -> FilterChain:
        """Make the filters of a connection that is about to be joined.

        The connection's streams are copied by `FilterChain.copy`; `FilterChain.close` follows
        whatever becomes of it. A filter that cannot be made calls `end`; never raises.
        """
        self._open_chains += 1
        chain = FilterChain(
            info,
            buffer=self._buffer,
            end=end,
            warn=self._surroundings.warn,
            failed=self._count_failure,
            closed=self._chain_closed,
        )
        chain.make(self._makers)
        return chain

    def close(self) -> None:
        """Close the files, as soon as the last connection is over; idempotent."""
        self._closed = True
        if not self._open_chains:
            for file in self._files:
                file.close()

    def statistics(self) -> FilterStatistics:
        """Count the failures."""
        return FilterStatistics(self._failures, sum(file.lost for file in self._files))

    def _count_failure(self) -> None:
        self._failures += 1

    def _chain_closed(self) -> None:
        self._open_chains -= 1
        if self._closed:
            self.close()
