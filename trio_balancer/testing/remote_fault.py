"""A fault of a balancer in another thread."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from trio_balancer.testing.fault_handle import FaultHandle
    from trio_balancer.testing.portal import Portal


@final
class RemoteFault:
    """What `RemoteHarness.fault` gives its block; `FaultHandle` explains it."""

    def __init__(self, handle: FaultHandle, portal: Portal) -> None:
        self._handle = handle
        self._portal = portal

    def __repr__(self) -> str:
        return repr(self._handle)

    @property
    def name(self) -> str:
        """Its name: the one given, or else made of its type and stream."""
        return self._handle.name

    def update(self, *, toxicity: float | None = None, **attributes: float) -> None:
        """Change attributes (those not given stay) or the toxicity; raises FaultError."""
        self._portal.read(partial(self._handle.update, toxicity=toxicity, **attributes))
