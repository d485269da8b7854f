"""What one fault does to one way of one connection, as a stage that its bytes pass.

Stages are pure: they are given the time (trio's clock, in seconds) and the random generator. What
is put in comes out by `take`, in order and not before it is due; a `lane` carries it from stage to
stage, and asks `due` when to look again.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import attrs

from trio_balancer.config.model_effects import OnTheWay

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable


@attrs.frozen
class Cut:
    """The end of the connection: both sides are closed behind what came before this.

    `fault` is the name of the one whose wish it is, once it has left that one's stage.
    """

    reason: str
    fault: str | None = None


class End(Protocol):
    """Ends a connection: with a reset, or with both sides closed in good order."""

    def __call__(self, reason: str, *, reset: bool) -> None:
        """End it, because of `reason`, a sentence; whoever copies it is cancelled thereby."""


#: What passes a stage; b"" is the end-of-file.
Item = bytes | Cut

#: Bytes that a stage which makes the sender wait takes at once.
CHUNK = 64 * 1024
#: What each piece counts for in a buffer beside its bytes, so that tiny ones are bounded too.
OVERHEAD = 200

MILLISECOND = 0.001

EffectT = TypeVar("EffectT", bound=OnTheWay)


@attrs.frozen
class Waiting:
    """An item, when it came, and when it may go on."""

    item: Item
    arrived: float
    due: float


class Stage(Generic[EffectT]):
    """Passes everything on at once; who inherits says what is different."""

    def __init__(self, effect: EffectT, rng: random.Random) -> None:
        self.effect = effect
        self.rng = rng
        self.waiting: deque[Waiting] = deque()
        self._held = 0

    @property
    def held(self) -> int:
        """What the items that wait count for in a buffer."""
        return self._held

    @property
    def resets_at(self) -> float:
        """When the connection is to be reset, whatever waits where."""
        return math.inf

    def begin(self, now: float) -> None:
        """Be at work from now on."""

    def change(self, effect: EffectT, now: float) -> None:
        """Have other attributes, also for what waits already."""
        self.effect = effect
        self.plan_anew(now)

    def plan_anew(self, now: float) -> None:
        """Find out again when each item that waits may go on."""
        waiting, self.waiting = self.waiting, deque()
        for each in waiting:
            due = self.plan(each.item, each.arrived, now)
            self.waiting.append(Waiting(each.item, each.arrived, due))

    def plan(self, item: Item, arrived: float, now: float) -> float:
        """Return when an item may go on that came at `arrived`; not before the one ahead of it."""
        del item, now
        return max(arrived, self.last_due())

    def last_due(self) -> float:
        """Return when the latest of those that wait may go on."""
        return self.waiting[-1].due if self.waiting else -math.inf

    def room(self) -> float:
        """Return how many bytes it wants now; it takes what it is given, in any case.

        By default one chunk, and then no more until that is gone: the sender is to wait.
        """
        return 0 if self.waiting else CHUNK

    def put(self, item: Item, now: float) -> None:
        """Take an item in."""
        self.queue(item, now)

    def queue(self, item: Item, now: float, due: float | None = None) -> None:
        """Let an item wait until it may go on: as planned, or when it is `due`."""
        due = self.plan(item, now, now) if due is None else due
        self.waiting.append(Waiting(item, now, due))
        self._held += cost(item)

    def take(self, now: float) -> Item | None:
        """Return the next item that may go on by now, if there is one."""
        if not self.waiting or self.waiting[0].due > now:
            return None
        item = self.waiting.popleft().item
        self._held -= cost(item)
        return item

    def due(self) -> float:
        """Return when `take` has the next item, as far as that is a matter of time."""
        return self.waiting[0].due if self.waiting else math.inf

    def release(self) -> Iterable[Item]:
        """Give up what waits, in order: the fault is taken away."""
        items = [each.item for each in self.waiting]
        self.waiting.clear()
        self._held = 0
        return items


def cost(item: Item) -> int:
    """Return what an item counts for in a buffer."""
    return OVERHEAD if isinstance(item, Cut) else OVERHEAD + len(item)
