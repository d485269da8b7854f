"""The toxics of proxies: the faults of listeners."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.model_faults import Fault, FaultStream, Match
from trio_balancer.faults import FaultBook, FaultError, on_listener
from trio_balancer.testing.toxiproxy.errors import fault_refused

if TYPE_CHECKING:
    from trio_balancer.testing.toxiproxy.bodies import ToxicChange

Json = dict[str, object]


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
        return [describe(fault) for fault in faults]

    def describe(self, proxy: str, name: str) -> Json:
        """Describe one."""
        try:
            return describe(self.book.get(on_listener(proxy), name))
        except FaultError as error:
            raise fault_refused(error) from None

    def add(self, proxy: str, fault: Fault) -> Json:
        """Add one behind all others."""
        try:
            return describe(self.book.add(on_listener(proxy), fault))
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
        return describe(fault)

    def remove(self, proxy: str, name: str) -> None:
        """Take one away."""
        try:
            self.book.remove(on_listener(proxy), name)
        except FaultError as error:
            raise fault_refused(error) from None

    def clear(self, proxy: str) -> None:
        """Take all of a proxy away."""
        self.book.reset(on_listener(proxy))


def describe(fault: Fault) -> Json:
    """Describe a fault as Toxiproxy does a toxic; `match`, which is ours, where there is one."""
    told: Json = {
        "attributes": fault.attributes,
        "name": fault.name,
        "type": fault.type,
        "stream": fault.stream.value,
        "toxicity": fault.toxicity,
    }
    if fault.match != Match():
        told["match"] = _describe_match(fault.match)
    return told


def _describe_match(match: Match) -> Json:
    given = attrs.asdict(match, recurse=False, filter=lambda _, value: value not in (None, 0))
    if match.client is not None:
        given["client"] = str(match.client)
    return given
