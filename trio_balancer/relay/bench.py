"""What all transfers of a relay share."""

from __future__ import annotations

import attrs

from trio_balancer.network.poller import Poller
from trio_balancer.relay.pipes import PIPE_SIZE, PipePool

#: Bytes received at a time, into a buffer that all transfers share: it is empty between calls.
BUFFER_SIZE = 64 * 1024
#: Bytes that bulk takes in one turn while there are small messages, who wait for its end, and the
#: number of turns without any after which it takes a pipe full (250 µs) again, which costs less.
PIECE_AMONG_OTHERS = 64 * 1024
ALONE_AFTER = 100


@attrs.define(eq=False)
class Bench:
    """What all transfers of a relay work with; `pipes` is None where nothing is spliced."""

    poller: Poller
    pipes: PipePool | None
    buffer: memoryview = attrs.Factory(lambda: memoryview(bytearray(BUFFER_SIZE)))
    #: Small messages so far, of all ways.
    messages: int = 0
    _messages_before: int = 0
    _turns_alone: int = 0

    def bulk_piece(self) -> int:
        """Return how many bytes bulk takes in this turn: fewer while others talk, who wait for it.

        To be asked once for each turn.
        """
        self._turns_alone += 1
        if self.messages != self._messages_before:
            self._messages_before = self.messages
            self._turns_alone = 0
        return PIPE_SIZE if self._turns_alone > ALONE_AFTER else PIECE_AMONG_OTHERS
