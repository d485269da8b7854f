"""A stage that begins only after so many bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from trio_balancer.faults.stages.stage import Cut, Item, Stage, cost

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trio_balancer.config.model_effects import OnTheWay


@final
class AfterBytesStage(Stage[Any]):
    """Lets the first `count` bytes pass, and leaves the rest to another stage.

    That begins when the first bytes have gone on, so that it does not overtake them.
    """

    def __init__(self, inner: Stage[Any], count: int) -> None:
        super().__init__(inner.effect, inner.rng)
        self._inner = inner
        self._left = count
        self._begun = False
        #: What is for the other stage, but came before it has begun.
        self._rest: list[Item] = []

    @property
    def held(self) -> int:
        """What waits here and there."""
        return super().held + self._inner.held + sum(map(cost, self._rest))

    @property
    def resets_at(self) -> float:
        """When the other stage wants a reset."""
        return self._inner.resets_at

    def begin(self, now: float) -> None:
        """Begin at once, where enough bytes have passed already."""
        self._begin_when_enough(now)

    def change(self, effect: OnTheWay, now: float) -> None:
        """Give other attributes to the other stage."""
        self.effect = effect
        self._inner.change(effect, now)

    def put(self, item: Item, now: float) -> None:
        """Pass on the first bytes, and give what follows to the other stage."""
        if self._begun:
            self._inner.put(item, now)
        elif self._left <= 0:
            self._rest.append(item)
        elif isinstance(item, Cut) or not item:
            self.queue(item, now)
        else:
            self._put_bytes(item, now)

    def _put_bytes(self, item: bytes, now: float) -> None:
        first, rest = item[: self._left], item[self._left :]
        self._left -= len(first)
        self.queue(first, now)
        if rest:
            self._rest.append(rest)

    def take(self, now: float) -> Item | None:
        """Return what passes, or else what comes out of the other stage."""
        if self._begun:
            return self._inner.take(now)
        item = super().take(now)
        self._begin_when_enough(now)
        return item

    def _begin_when_enough(self, now: float) -> None:
        if self._left > 0 or self.waiting or self._begun:
            return
        self._begun = True
        self._inner.begin(now)
        rest, self._rest = self._rest, []
        for item in rest:
            self._inner.put(item, now)

    def due(self) -> float:
        """Return when the one or the other has an item."""
        return self._inner.due() if self._begun else super().due()

    def room(self) -> float:
        """Return what the one or the other wants."""
        if self._begun:
            return self._inner.room()
        return 0 if self._rest else super().room()

    def release(self) -> Iterable[Item]:
        """Give up what waits anywhere; a stage that has not begun has done nothing."""
        if self._begun:
            return self._inner.release()
        rest, self._rest = self._rest, []
        return [*super().release(), *rest]
