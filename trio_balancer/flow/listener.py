"""A listener while it runs: its limit, its rules and its counts."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Self

import attrs
import trio

from trio_balancer.config.model_access import AccessConfig
from trio_balancer.flow.meters import EventRate
from trio_balancer.flow.terms import Terms
from trio_balancer.policy.access import Access

if TYPE_CHECKING:
    from trio_balancer.config.model import ListenerConfig
    from trio_balancer.flow.record import Record


@attrs.define(eq=False)
class Totals:
    """Counts that only ever grow."""

    accepted: int = 0
    refused: int = 0
    accept_errors: int = 0
    bugs: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    endings: Counter[str] = attrs.Factory(Counter)
    #: Refused clients by the reason, in one word; `refused` is their sum.
    refusals: Counter[str] = attrs.Factory(Counter)
    #: Accepted clients, as they come.
    rate: EventRate = attrs.Factory(EventRate)
    #: The most connections at once, as far as one of them has ended.
    peak: int = 0

    def accept(self, now: float) -> None:
        """Add an accepted client; `now` is monotonic seconds."""
        self.accepted += 1
        self.rate.count(now)

    def count(self, record: Record, letters: str, active: int) -> None:
        """Add a finished connection; `letters` are those of its ending.

        `active` connections were there, this one included: the most there ever were is there
        just before one ends, or now.
        """
        self.peak = max(self.peak, active)
        self.endings[letters] += 1
        self.bytes_up += record.bytes_up
        self.bytes_down += record.bytes_down

    def clear_peaks(self) -> None:
        """Begin to look for the highest values anew."""
        self.peak = 0
        self.rate.forget_highest()


@attrs.define(eq=False)
class ListenerState:
    """A listener as it runs; it outlives reloads, and so do its limit, its rules and its counts."""

    #: On which it serves those who come from now on.
    terms: Terms
    limiter: trio.CapacityLimiter
    #: What its clients must pass, if there is anything; it counts who has passed.
    access: Access | None = None
    totals: Totals = attrs.Factory(Totals)
    active: int = 0
    #: How many of these sit in the tarpit.
    tarpitted: int = 0

    @classmethod
    def start(cls, terms: Terms, now: float) -> Self:
        """Return a listener that nobody has come to yet."""
        access = terms.config.access
        return cls(
            terms,
            trio.CapacityLimiter(_limit(terms.config)),
            access=None if access is None else Access(access, now),
        )

    @property
    def config(self) -> ListenerConfig:
        """Its configuration as it is now."""
        return self.terms.config

    @property
    def name(self) -> str:
        """The listener's name in the configuration."""
        return self.terms.config.name

    @property
    def screens(self) -> bool:
        """Whether anything is asked of a client before its task is started."""
        return self.access is not None or self.terms.trust is not None

    def adopt(self, terms: Terms, now: float) -> None:
        """Go on with other terms; limit and access rules hold at once, and cut nobody.

        A limit that an operator has set lasts until the file's own changes.
        """
        before, self.terms = self.terms, terms
        if _limit(terms.config) != _limit(before.config):
            self.limiter.total_tokens = _limit(terms.config)
        if self.access is not None:
            # Kept without rules, too: those whom it has counted in will be counted out.
            self.access.reconfigure(terms.config.access or AccessConfig(), now)
        elif terms.config.access is not None:
            self.access = Access(terms.config.access, now)


def _limit(config: ListenerConfig) -> float:
    return math.inf if config.max_connections is None else config.max_connections
