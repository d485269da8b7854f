"""The toxics of proxies: the faults of listeners."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.model_faults import Fault, FaultStream
from trio_balancer.control.faults import Json, fault_json
from trio_balancer.faults import FaultBook, FaultError, on_listener
from trio_balancer.testing.toxiproxy.errors import fault_refused

if TYPE_CHECKING:
    from trio_balancer.testing.toxiproxy.bodies import ToxicChange


@attrs.frozen
class Toxics:
    """The toxics of all proxies; every method raises ApiError for what is not there."""

    book: FaultBook

    def describe_all(self, proxy: str) -> list[Json]:
        """Describe all of a proxy: first those upstream, then those downstream, in their order."""
        try:
            faults = [each.fault for each in self.book.list(on_listener(proxy))]
        except FaultError as error:
            raise fault_refused(error) from None
        faults.sort(key=lambda fault: fault.stream is FaultStream.DOWNSTREAM)
        return [fault_json(fault) for fault in faults]

    def describe(self, proxy: str, name: str) -> Json:
        """Describe one."""
        try:
            return fault_json(self.book.get(on_listener(proxy), name))
        except FaultError as error:
            raise fault_refused(error) from None

    def add(self, proxy: str, fault: Fault) -> Json:
        """Add one behind all others."""
        try:
            return fault_json(self.book.add(on_listener(proxy), fault))
        except FaultError as error:
            raise fault_refused(error) from None

    def update(self, proxy: str, name: str, change: ToxicChange) -> Json:
        """Change its attributes, those that are given, and its toxicity."""
        try:
            fault = self.book.update(
                on_listener(proxy), name, attributes=change.attributes, toxicity=change.toxicity
            )
        except FaultError as error:
            raise fault_refused(error) from None
        return fault_json(fault)

    def remove(self, proxy: str, name: str) -> None:
        """Take one away."""
        try:
            self.book.remove(on_listener(proxy), name)
        except FaultError as error:
            raise fault_refused(error) from None

    def clear(self, proxy: str) -> None:
        """Take all of a proxy away."""
        self.book.reset(on_listener(proxy))
