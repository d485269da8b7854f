"""A backend: one address that serves, with its state and its counts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

import attrs

from trio_balancer.config.model import BackendConfig
from trio_balancer.policy.connect_time import ConnectTime
from trio_balancer.policy.ejection import Ejection
from trio_balancer.policy.fade_out import FadeOut
from trio_balancer.policy.hashing import stable_hash
from trio_balancer.policy.rise_fall import RiseFall
from trio_balancer.policy.slow_start import SlowStart
from trio_balancer.policy.state import Admin, State
from trio_balancer.policy.statistics import LastCheck

if TYPE_CHECKING:
    from trio_balancer.config.model import PoolConfig
    from trio_balancer.wire.address import Address

_NOT_CHECKED = "not checked yet"


@attrs.define(eq=False)
class Backend:
    """Identity: the pool's name and its own; it survives a reload, and a change of weight.

    Only its pool changes it; everybody else reads. `config` is what the file says; `weight` and
    `max_connections` are what holds, which an operator may have set otherwise.
    """

    pool: str
    config: BackendConfig
    health: RiseFall
    slow_start: SlowStart
    connect_ewma: ConnectTime
    #: When it took its present state (monotonic seconds).
    changed_at: float
    admin: Admin = Admin.READY
    #: The end of its share of new connections, while it is drained little by little.
    fade_out: FadeOut | None = None
    ejection: Ejection = attrs.field(factory=Ejection)
    #: Why the last failed check failed, and why it last came up.
    check_reason: str = _NOT_CHECKED
    up_reason: str = ""
    last_check: LastCheck | None = None
    #: Leases that are out now.
    active: int = 0

    leased: int = 0
    peak_active: int = 0
    dials: int = 0
    dial_failures: int = 0
    #: Resets before the backend's first byte.
    resets: int = 0
    checks_passed: int = 0
    checks_failed: int = 0
    times_down: int = 0
    #: Seconds spent down, up to the last change of state.
    downtime: float = 0.0

    weight: int = attrs.field(init=False)
    #: How many leases may be out at once; None: any number.
    max_connections: int | None = attrs.field(init=False)
    #: The same, or a number that is never reached: every choice reads it.
    limit: int = attrs.field(init=False)
    #: What round-robin owes it; see there.
    credit: int = attrs.field(init=False, default=0)
    #: Its own bits for source-hash.
    seed: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.seed = stable_hash(self.config.name.encode())
        self._take_all(self.config)

    @classmethod
    def start(cls, pool: PoolConfig, config: BackendConfig, now: float) -> Self:
        """Return a backend that was never asked anything."""
        health = RiseFall.start(pool.health)
        return cls(pool.name, config, health, SlowStart(pool.slow_start), ConnectTime(now), now)

    def _take_all(self, config: BackendConfig) -> None:
        self.config = config
        self.weight = config.weight
        self.set_max_connections(config.max_connections)

    def configure(self, config: BackendConfig) -> None:
        """Take over what the file says now.

        What an operator has set lasts until the file's own value changes.
        """
        if config.weight != self.config.weight:
            self.weight = config.weight
        if config.max_connections != self.config.max_connections:
            self.set_max_connections(config.max_connections)
        self.config = config

    def set_max_connections(self, limit: int | None) -> None:
        """Let so many leases be out at once; who is there stays."""
        self.max_connections = limit
        self.limit = sys.maxsize if limit is None else limit

    def come_back(self, pool: PoolConfig, config: BackendConfig, now: float) -> None:
        """Be part of the pool again: a stranger, but for its connections and its counts."""
        self._take_all(config)
        self.health = RiseFall.start(pool.health)
        self.slow_start = SlowStart(pool.slow_start)
        self.connect_ewma = ConnectTime(now)
        self.ejection = Ejection(total=self.ejection.total)
        self.admin, self.fade_out = Admin.READY, None
        self.check_reason, self.up_reason, self.last_check = _NOT_CHECKED, "", None
        self.changed_at, self.credit = now, 0

    @property
    def name(self) -> str:
        """Its name, unique in the pool."""
        return self.config.name

    @property
    def address(self) -> Address:
        """Where it serves."""
        return self.config.address

    @property
    def backup(self) -> bool:
        """Whether it serves only when the others cannot."""
        return self.config.backup

    @property
    def ejected(self) -> bool:
        """Whether it is set aside because it failed its clients."""
        return self.ejection.until is not None

    @property
    def willing(self) -> bool:
        """Whether it takes anything new, were it up: no drain, no maintenance, some weight."""
        return self.admin is Admin.READY and self.weight > 0

    @property
    def state(self) -> State:
        """What people see: the operator's wish before the verdict of checks and clients."""
        if self.admin is Admin.MAINTENANCE:
            return State.MAINTENANCE
        if self.admin is Admin.DRAIN:
            return State.DRAIN
        return State.UP if self.health.up and not self.ejected else State.DOWN

    @property
    def reason(self) -> str:
        """Why it is in its state; empty for one that has been up from the start."""
        if self.admin is not Admin.READY:
            return f"set to {self.admin.value} by the operator"
        if not self.health.up:
            return self.check_reason
        return self.ejection.reason if self.ejected else self.up_reason

    def state_changed(self, before: State, now: float, why_up: str) -> None:
        """Keep the history: how often and how long it was down, and why it came up."""
        if before is State.DOWN:
            self.downtime += now - self.changed_at
        self.changed_at = now
        if self.state is State.DOWN:
            self.times_down += 1
        if self.state is State.UP:
            self.up_reason = why_up
            self.slow_start.begin(now)

    def weight_at(self, now: float) -> float:
        """Return its weight, less in slow start and while it fades out."""
        ramp = self.slow_start
        weight = self.weight if now >= ramp.end else self.weight * ramp.factor(now)
        return weight if self.fade_out is None else weight * self.fade_out.factor(now)

    def load_at(self, now: float) -> float:
        """Return its leases per weight."""
        return self.active / self.weight_at(now)
