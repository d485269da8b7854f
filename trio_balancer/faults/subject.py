"""Whom faults meet: what they may ask of a connection, and what each has drawn for it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.model_faults import Fault
from trio_balancer.faults.scope import LISTENERS, Scope
from trio_balancer.wire.address import SocketAddress, UnixAddress

if TYPE_CHECKING:
    from collections.abc import Collection

    from trio_balancer.config.model_faults import Match


@attrs.define(eq=False)
class Subject:
    """A connection as faults see it; `client`, `pool`, `backend` are None until they are known."""

    number: int
    listener: str
    client: SocketAddress | None
    pool: str | None = None
    backend: str | None = None


@attrs.define(eq=False)
class Installed:
    """A fault in its place; `met` counts the connections that it could have met so far."""

    scope: Scope
    fault: Fault
    #: Faults work in the order in which they were added.
    serial: int
    met: int = 0


@attrs.frozen
class Meeting:
    """What a fault has drawn for a connection, once; `rng` is for all that it draws later."""

    chosen: bool
    share: float
    rng: random.Random


class Meetings:
    """The faults that a connection has met."""

    def __init__(self, subject: Subject, seed: int) -> None:
        self.subject = subject
        self._seed = seed
        self._met: dict[Installed, Meeting] = {}

    def rng_if_hit(self, installed: Installed) -> random.Random | None:
        """Return the random generator of a fault that hits the connection; None: it does not.

        A fault may come to hit it later, when the backend is known or the toxicity is changed.
        """
        # Asked anew: the next attempt to connect is at another backend.
        if not _fits(installed, self.subject):
            return None
        meeting = self._met.get(installed)
        if meeting is None:
            meeting = self._met[installed] = self._meet(installed)
        hit = meeting.chosen and meeting.share < installed.fault.toxicity
        return meeting.rng if hit else None

    def follow(self, installed: Collection[Installed]) -> None:
        """Forget those that are there no longer, and meet those that have come.

        Now, so that connections are counted in their order, whatever each is busy with.
        """
        self._met = {each: self._met[each] for each in installed if each in self._met}
        for each in installed:
            self.rng_if_hit(each)

    def _meet(self, installed: Installed) -> Meeting:
        installed.met += 1
        fault = installed.fault
        # Of nothing but these, so that a failure replays whatever else the test does.
        rng = random.Random(f"{self._seed}/{self.subject.number}/{fault.name}")
        return Meeting(_is_chosen(fault.match, installed.met), rng.random(), rng)


def _is_chosen(match: Match, ordinal: int) -> bool:
    if match.nth is not None:
        return ordinal == match.nth
    return match.first is None or ordinal <= match.first


def _fits(installed: Installed, subject: Subject) -> bool:
    scope, match = installed.scope, installed.fault.match
    name = subject.listener if scope.section == LISTENERS else subject.pool
    if scope.name != name:
        return False
    return match.backend in (None, subject.backend) and _fits_client(match, subject.client)


def _fits_client(match: Match, client: SocketAddress | None) -> bool:
    if match.client is None or client is None:
        return match.client is None
    if isinstance(match.client, str) or isinstance(client, UnixAddress):
        return isinstance(match.client, str) and isinstance(client, UnixAddress)
    return client.ip in match.client
