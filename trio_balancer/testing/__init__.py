"""For tests: a network in memory."""

from trio_balancer.testing.memory_listener import MemoryListener
from trio_balancer.testing.memory_network import MemoryNetwork
from trio_balancer.testing.memory_stream import MemoryStream, memory_connection

__all__ = ["MemoryListener", "MemoryNetwork", "MemoryStream", "memory_connection"]
