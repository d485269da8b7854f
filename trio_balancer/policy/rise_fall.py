"""Rise and fall: how many checks in a row it takes to change one's mind about a backend.

The counter is HAProxy's (`check.health` in its source): one number from 0 to rise + fall - 1,
and the backend is up while it is at least `rise`. A check that agrees with the present state
moves the number to that state's far end, so only checks *in a row* change the state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import attrs

from trio_balancer.config.model_health import CheckType, Initial

if TYPE_CHECKING:
    from trio_balancer.config.model_health import HealthConfig


@attrs.define(eq=False)
class RiseFall:
    """The verdict of the checks on one backend; `checked` is False where there are none."""

    rise: int
    fall: int
    value: int
    checked: bool = True

    @classmethod
    def start(cls, config: HealthConfig) -> Self:
        """Begin at the edge: the first check decides, whichever state was assumed."""
        value = config.rise if config.initial is Initial.UP else config.rise - 1
        return cls(config.rise, config.fall, value, config.type is not CheckType.NONE)

    @property
    def up(self) -> bool:
        """Whether the checks say up; without checks, always."""
        return not self.checked or self.value >= self.rise

    @property
    def top(self) -> int:
        """The highest value: `fall` failures away from down."""
        return self.rise + self.fall - 1

    def passed(self) -> None:
        """Count a passed check."""
        self.value += 1
        if self.value >= self.rise:
            self.value = self.top

    def failed(self) -> None:
        """Count a failed check."""
        self.value -= 1
        if self.value < self.rise:
            self.value = 0

    def configure(self, config: HealthConfig) -> None:
        """Take over new numbers; up stays up, and down stays down unless checks are gone."""
        was_up = self.up
        self.rise, self.fall = config.rise, config.fall
        self.checked = config.type is not CheckType.NONE
        self.value = self.top if was_up else 0
