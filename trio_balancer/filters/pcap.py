"""`use = "pcap"`: connections for Wireshark."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from trio_balancer.filters.interface import Filter, FilteredConnection
from trio_balancer.wire.address import InetAddress, SocketAddress, inet_address
from trio_balancer.wire.escape import escape
from trio_balancer.wire.pcapng import file_header, packet
from trio_balancer.wire.tcp_packet import Conversation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trio_balancer.filters.append_file import AppendFile
    from trio_balancer.filters.interface import ConnectionInfo
    from trio_balancer.wire.tcp_packet import Speaker

FILE_HEADER = file_header("trio-balancer")

# RFC 5737 has these for documentation: they stand for ends that have no IP address.
_SOMEWHERE = "192.0.2.1"
_HERE = "192.0.2.2"
_FIRST_PORT, _PORTS = 1024, 64512
# So that two conversations of the same addresses do not look like one that repeats itself.
_SEQUENCES_APART = 0x01234567


@final
class PcapFilter(Filter):
    """Writes what it sees as a conversation between the client and the address it reached.

    The first packet's comment names the connection and its backend. A connection that was not
    finished by both ends with a reset: by the client if that reset, else by the backend.
    """

    def __init__(
        self, connection: FilteredConnection, *, file: AppendFile, wall_clock: Callable[[], float]
    ) -> None:
        super().__init__(connection)
        self._file = file
        self._wall_clock = wall_clock
        self._conversation = _conversation(connection.info)
        self._write(self._conversation.handshake(), _comment(connection.info))

    def from_client(self, data: bytes) -> bytes:
        """Write what the client says."""
        return self._say(self._conversation.client, data)

    def from_backend(self, data: bytes) -> bytes:
        """Write what the backend says."""
        return self._say(self._conversation.server, data)

    def client_finished(self) -> bytes:
        """Write the client's FIN."""
        self._write(self._conversation.finish(self._conversation.client))
        return b""

    def backend_finished(self) -> bytes:
        """Write the backend's FIN."""
        self._write(self._conversation.finish(self._conversation.server))
        return b""

    def closed(self) -> None:
        """Write the reset where there was one."""
        conversation = self._conversation
        if not conversation.is_over:
            by_client = self.connection.reset_by == "client"
            speaker = conversation.client if by_client else conversation.server
            self._write(conversation.reset(speaker))

    def _say(self, speaker: Speaker, data: bytes) -> bytes:
        self._write(self._conversation.data(speaker, data))
        return data

    def _write(self, packets: Sequence[bytes], comment: str = "") -> None:
        wall = self._wall_clock()
        first, *others = packets
        blocks = [packet(first, wall, comment), *(packet(each, wall) for each in others)]
        self._file.write(b"".join(blocks))


def _conversation(info: ConnectionInfo) -> Conversation:
    client = _inet(info.client, _SOMEWHERE, _FIRST_PORT + info.number % _PORTS)
    return Conversation(client, _inet(info.local, _HERE, 1), info.number * _SEQUENCES_APART)


def _inet(address: SocketAddress, host: str, port: int) -> InetAddress:
    return address if isinstance(address, InetAddress) else inet_address(host, port)


def _comment(info: ConnectionInfo) -> str:
    backend = escape(f"{info.pool}/{info.backend} at {info.backend_address}")
    return f"connection {info.number} of {escape(info.listener)}, to {backend}"
