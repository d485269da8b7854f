"""`use = "deny"`: what must not pass ends the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from trio_balancer.filters.interface import Filter, FilteredConnection
from trio_balancer.filters.searching import finder

if TYPE_CHECKING:
    from trio_balancer.config.model_filters import DenyFilterConfig


@final
class DenyFilter(Filter):
    """Resets a connection in which something is found.

    Nothing is held: the beginning of a match may have passed when its end comes, which does not.
    """

    def __init__(self, connection: FilteredConnection, *, config: DenyFilterConfig) -> None:
        super().__init__(connection)
        self._where = config.where
        self._up = finder(config.needle) if config.direction.from_client else None
        self._down = finder(config.needle) if config.direction.from_backend else None

    def from_client(self, data: bytes) -> bytes:
        """Look at what the client says."""
        if self._up is not None and self._up.found_in(data):
            self._deny("client")
        return data

    def from_backend(self, data: bytes) -> bytes:
        """Look at what the backend says."""
        if self._down is not None and self._down.found_in(data):
            self._deny("backend")
        return data

    def _deny(self, side: str) -> None:
        self.connection.end(f"{self._where} denies what the {side} sent")
