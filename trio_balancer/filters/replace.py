"""`use = "replace"`: other bytes in the place of some."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from trio_balancer.filters.interface import CHUNK, Filter, FilteredConnection
from trio_balancer.filters.rewriting import LiteralRewriter, RegexRewriter, Rewriter

if TYPE_CHECKING:
    from trio_balancer.config.model_filters import ReplaceFilterConfig


@final
class ReplaceFilter(Filter):
    """Replaces what is found in the bytes of one side or both.

    What might begin a match waits for more, but at most `max_hold` while nothing comes: the
    other side may be waiting for it before it says anything.
    """

    def __init__(self, connection: FilteredConnection, *, config: ReplaceFilterConfig) -> None:
        super().__init__(connection)
        self.quiet_after = config.max_hold
        self._up = _rewriter(config, connection) if config.direction.from_client else None
        self._down = _rewriter(config, connection) if config.direction.from_backend else None
        # A long replacement of short bytes may be many times as long as they are.
        growth = max(1, len(config.replacement))
        self.client_chunk = self.backend_chunk = max(
            1, min(CHUNK, connection.filter_buffer // growth)
        )

    def from_client(self, data: bytes) -> bytes:
        """Replace in what the client says."""
        return data if self._up is None else self._up.feed(data)

    def from_backend(self, data: bytes) -> bytes:
        """Replace in what the backend says."""
        return data if self._down is None else self._down.feed(data)

    def client_finished(self) -> bytes:
        """Return what the client's last bytes became."""
        return b"" if self._up is None else self._up.flush()

    def backend_finished(self) -> bytes:
        """Return what the backend's last bytes became."""
        return b"" if self._down is None else self._down.flush()

    client_quiet = client_finished
    backend_quiet = backend_finished


def _rewriter(config: ReplaceFilterConfig, connection: FilteredConnection) -> Rewriter:
    needle, hold = config.needle, connection.hold()
    if isinstance(needle.pattern, bytes):
        return LiteralRewriter(needle.pattern, config.replacement, hold)
    return RegexRewriter(needle.pattern, config.replacement, needle.max_match, hold)
