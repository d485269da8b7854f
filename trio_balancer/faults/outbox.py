"""What has passed all faults of a way, and waits to be sent."""

from __future__ import annotations

from collections import deque
from typing import TypeGuard, final

from trio_balancer.faults.stages import CHUNK, Cut, Item, cost


@final
class Outbox:
    """A line of items; bytes that wait together go together, about a chunk at a time.

    When a fault is taken away, there may be very many small pieces, which would take very long to
    send one by one.
    """

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        #: What they count for in a buffer.
        self.cost = 0

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._items)

    def put(self, item: Item) -> None:
        """Let an item wait behind the others."""
        self._items.append(item)
        self.cost += cost(item)

    def take(self) -> Item:
        """Take what is to be sent next; there must be something."""
        item = self._pop()
        if not _has_bytes(item):
            return item
        pieces, size = [item], len(item)
        while size < CHUNK and self._items and _has_bytes(self._items[0]):
            pieces.append(self._items[0])
            size += len(self._items[0])
            self._pop()
        return b"".join(pieces)

    def _pop(self) -> Item:
        item = self._items.popleft()
        self.cost -= cost(item)
        return item


def _has_bytes(item: Item) -> TypeGuard[bytes]:
    return not isinstance(item, Cut) and len(item) > 0
