"""The book of faults: which there are, and whom to tell when that changes."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.config.faults import faults_of
from trio_balancer.config.model_faults import Fault
from trio_balancer.faults.connection import ConnectionFaults
from trio_balancer.faults.errors import FaultError, FaultErrorCode
from trio_balancer.faults.make import change_fault
from trio_balancer.faults.scope import Scope, on_listener, on_pool
from trio_balancer.faults.subject import Installed, Meetings, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trio_balancer.config.model import Config
    from trio_balancer.faults.stages import End


@attrs.frozen
class InstalledFault:
    """A fault, and whose connections it is for."""

    scope: Scope
    fault: Fault


class FaultNews(Enum):
    """What became of a fault."""

    ADDED = "fault added"
    CHANGED = "fault changed"
    REMOVED = "fault removed"


class FaultBook:
    """The faults of a balancer; changes take effect on live connections before they return.

    Not one of the methods waits, so none can hang, whatever the connections are stuck in. `seed`
    is what every draw comes from, with the connection's number and the fault's name. It knows no
    listener and no pool before it is configured.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._buffer = 0
        #: Called with each fault, and what becomes of it, before that takes effect; may not raise.
        self.observers: list[Callable[[InstalledFault, FaultNews], None]] = []
        self._scopes: frozenset[Scope] = frozenset()
        self._faults: dict[tuple[Scope, str], Installed] = {}
        self._configured: dict[tuple[Scope, str], Fault] = {}
        self._serial = 0
        # Connections that are open, in their order.
        self._live: dict[ConnectionFaults, None] = {}
        self._changed = trio.lowlevel.ParkingLot()

    def configure(self, config: Config) -> None:
        """Know a configuration's listeners and pools, and do as it says; once more on reload.

        A fault that the new one lists as the old one did stays as it is, also where it was
        changed or taken away meanwhile; one that was added meanwhile stays as long as there is
        its listener or pool.
        """
        listeners, pools = map(on_listener, config.listeners), map(on_pool, config.pools)
        self._scopes = frozenset((*listeners, *pools))
        self._buffer = config.balancer.fault_buffer
        before, wanted = self._configured, _configured(config)
        self._configured = wanted
        for key in [*self._faults]:
            if key[0] not in self._scopes or (key in before and key not in wanted):
                self._take_out(key)
        for key, fault in wanted.items():
            if before.get(key) != fault:
                self._take_out(key)
                self._put_in(key[0], fault)
        self._tell()

    def add(self, scope: Scope, fault: Fault) -> Fault:
        """Add a fault behind all others; raises FaultError (NO_SCOPE, EXISTS)."""
        self._check(scope)
        if (scope, fault.name) in self._faults:
            text = f"{scope} has a fault {fault.name!r} already"
            raise FaultError(FaultErrorCode.EXISTS, text)
        self._put_in(scope, fault)
        self._tell()
        return fault

    def update(
        self,
        scope: Scope,
        name: str,
        *,
        attributes: Mapping[str, object] | None = None,
        toxicity: float | None = None,
    ) -> Fault:
        """Change attributes (those not given stay) or the toxicity; nothing is drawn anew.

        Raises FaultError (NO_SCOPE, NOT_FOUND, INVALID_VALUE), and nothing is changed then.
        """
        installed = self._find(scope, name)
        installed.fault = change_fault(installed.fault, attributes, toxicity)
        self._notify(scope, installed.fault, FaultNews.CHANGED)
        self._tell()
        return installed.fault

    def remove(self, scope: Scope, name: str) -> Fault:
        """Take a fault away: what it holds goes on at once. Raises FaultError (as `update`)."""
        fault = self._find(scope, name).fault
        self._take_out((scope, name))
        self._tell()
        return fault

    def get(self, scope: Scope, name: str) -> Fault:
        """Return a fault; raises FaultError (NO_SCOPE, NOT_FOUND)."""
        return self._find(scope, name).fault

    def reset(self, scope: Scope | None = None) -> None:
        """Take away all faults, or all of one scope; raises FaultError (NO_SCOPE)."""
        if scope is not None:
            self._check(scope)
        for key in [*self._faults]:
            if scope in (None, key[0]):
                self._take_out(key)
        self._tell()

    def list(self, scope: Scope | None = None) -> tuple[InstalledFault, ...]:
        """Return all faults, or those of one scope, in the order in which they work.

        Raises FaultError (NO_SCOPE).
        """
        if scope is not None:
            self._check(scope)
        found = [each for each in self._faults.values() if scope in (None, each.scope)]
        return tuple(InstalledFault(each.scope, each.fault) for each in found)

    def open(self, subject: Subject, end: End) -> ConnectionFaults:
        """Enter a connection, which faults meet from now on; `close` strikes it out.

        `end` is to end it, and must cancel whoever copies it.
        """
        meetings = Meetings(subject, self.seed)
        connection = ConnectionFaults(
            meetings,
            faults=self._faults,
            changed=self._changed,
            buffer=self._buffer,
            end=end,
            closed=self._live.pop,
        )
        self._live[connection] = None
        connection.refresh()
        return connection

    def _check(self, scope: Scope) -> None:
        if scope not in self._scopes:
            kind = "listener" if scope == on_listener(scope.name) else "pool"
            raise FaultError(FaultErrorCode.NO_SCOPE, f"there is no {kind} {scope.name!r}")

    def _find(self, scope: Scope, name: str) -> Installed:
        self._check(scope)
        installed = self._faults.get((scope, name))
        if installed is None:
            raise FaultError(FaultErrorCode.NOT_FOUND, f"{scope} has no fault {name!r}")
        return installed

    def _put_in(self, scope: Scope, fault: Fault) -> None:
        self._serial += 1
        self._faults[scope, fault.name] = Installed(scope, fault, self._serial)
        self._notify(scope, fault, FaultNews.ADDED)

    def _take_out(self, key: tuple[Scope, str]) -> None:
        installed = self._faults.pop(key, None)
        if installed is not None:
            self._notify(installed.scope, installed.fault, FaultNews.REMOVED)

    def _notify(self, scope: Scope, fault: Fault, news: FaultNews) -> None:
        for observer in self.observers:
            observer(InstalledFault(scope, fault), news)

    def _tell(self) -> None:
        for connection in [*self._live]:
            connection.refresh()
        self._changed.unpark_all()


def _configured(config: Config) -> dict[tuple[Scope, str], Fault]:
    return {
        (Scope(*where), fault.name): fault
        for where, faults in faults_of(config).items()
        for fault in faults
    }
