"""`use = "record"`: who said what when, as JSON lines."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, final

from trio_balancer.filters.interface import Filter, FilteredConnection

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.config.model_filters import RecordFilterConfig
    from trio_balancer.filters.append_file import AppendFile

_ENCODER = json.JSONEncoder(separators=(",", ":"))


@final
class RecordFilter(Filter):
    """Writes a line when the connection opens, for all bytes, for ends of file, and at the end.

    Every line has `time` (Unix seconds), `connection`, `listener` and `event`: "open", "data",
    "finished" or "closed". Those of "data" have `direction`, `length`, `sha256` (of these bytes,
    in hexadecimal), and `data` in base64 where it is wanted.
    """

    def __init__(
        self,
        connection: FilteredConnection,
        *,
        config: RecordFilterConfig,
        file: AppendFile,
        wall_clock: Callable[[], float],
    ) -> None:
        super().__init__(connection)
        self._with_data = config.data
        self._file = file
        self._wall_clock = wall_clock
        info = connection.info
        self._write(
            "open",
            client=str(info.client),
            local=str(info.local),
            pool=info.pool,
            backend=info.backend,
            backend_address=str(info.backend_address),
        )

    def from_client(self, data: bytes) -> bytes:
        """Write what the client has said."""
        return self._write_data("from-client", data)

    def from_backend(self, data: bytes) -> bytes:
        """Write what the backend has said."""
        return self._write_data("from-backend", data)

    def client_finished(self) -> bytes:
        """Write that the client has finished."""
        self._write("finished", direction="from-client")
        return b""

    def backend_finished(self) -> bytes:
        """Write that the backend has finished."""
        self._write("finished", direction="from-backend")
        return b""

    def closed(self) -> None:
        """Write that it is over."""
        self._write("closed", reset_by=self.connection.reset_by or None)

    def _write_data(self, direction: str, data: bytes) -> bytes:
        digest = hashlib.sha256(data).hexdigest()
        fields: dict[str, object] = {"length": len(data), "sha256": digest}
        if self._with_data:
            fields["data"] = base64.b64encode(data).decode()
        self._write("data", direction=direction, **fields)
        return data

    def _write(self, event: str, **fields: object) -> None:
        info = self.connection.info
        line = {
            "time": round(self._wall_clock(), 6),
            "connection": info.number,
            "listener": info.listener,
            "event": event,
            **fields,
        }
        # The encoder escapes all but printable ASCII.
        self._file.write(f"{_ENCODER.encode(line)}\n".encode())
