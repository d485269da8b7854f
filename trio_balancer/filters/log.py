"""`use = "log"`: what is said, into the balancer's log."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

from trio_balancer.config.model_filters import DumpFormat
from trio_balancer.filters.interface import Filter, FilteredConnection

if TYPE_CHECKING:
    from trio_balancer.config.model_filters import LogFilterConfig
    from trio_balancer.filters.surroundings import Say

# Bytes in one line of the log, so that it stays one that people and tools can read.
_TEXT_LINE = 256
_HEX_LINE = 32


@final
class LogFilter(Filter):
    """Shows the first `max_bytes` of either direction, a few in each line."""

    def __init__(
        self, connection: FilteredConnection, *, config: LogFilterConfig, log: Say
    ) -> None:
        super().__init__(connection)
        limit = config.max_bytes
        self._client = _Dump(connection, config, log, "from-client", limit)
        self._backend = _Dump(connection, config, log, "from-backend", limit)
        self._direction = config.direction

    def from_client(self, data: bytes) -> bytes:
        """Show what the client says."""
        if self._direction.from_client:
            self._client.show(data)
        return data

    def from_backend(self, data: bytes) -> bytes:
        """Show what the backend says."""
        if self._direction.from_backend:
            self._backend.show(data)
        return data


@final
class _Dump:
    def __init__(
        self,
        connection: FilteredConnection,
        config: LogFilterConfig,
        log: Say,
        direction: str,
        limit: float,
    ) -> None:
        self._log = log
        self._is_hex = config.format is DumpFormat.HEX
        self._left = limit
        self._offset = 0
        self._who: dict[str, object] = {
            "listener": connection.info.listener,
            "connection": connection.info.number,
            "direction": direction,
        }

    def show(self, data: bytes) -> None:
        if not self._left:
            return
        shown = data if self._left == math.inf else data[: int(self._left)]
        size = _HEX_LINE if self._is_hex else _TEXT_LINE
        for start in range(0, len(shown), size):
            self._line(shown[start : start + size])
        self._left -= len(shown)
        if not self._left:
            self._log("The rest is not shown", **self._who, offset=self._offset)

    def _line(self, data: bytes) -> None:
        """Write one line; the log escapes its fields, so that no peer can forge another."""
        # Bytes that are no UTF-8 become surrogates, which are escaped too and stay distinct.
        text = data.decode("utf-8", "surrogateescape")
        fields: dict[str, object] = (
            {"hex": data.hex(" "), "text": text} if self._is_hex else {"text": text}
        )
        self._log("Data", **self._who, offset=self._offset, **fields)
        self._offset += len(data)
