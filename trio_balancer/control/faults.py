"""Faults as an operator adds, lists and removes them, while a test runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.model_faults import Fault, Match
from trio_balancer.config.problems import shown
from trio_balancer.control.errors import OperationError, bad_value
from trio_balancer.faults import FaultError, FaultErrorCode, Scope, make_fault, on_listener, on_pool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_balancer.balancer import Balancer
    from trio_balancer.faults import FaultBook

Json = dict[str, object]

_ON = {"listeners": on_listener, "pools": on_pool}
_CODES = {FaultErrorCode.NOT_FOUND: "no-such-fault"}


def list_faults(balancer: Balancer) -> list[Json]:
    """Describe all faults, in the order in which they work; raises OperationError."""
    return [{"on": str(each.scope), **fault_json(each.fault)} for each in _book(balancer).list()]


def add_fault(balancer: Balancer, on: str, table: Mapping[str, object]) -> Json:
    """Add a fault to `on`, "listeners.NAME" or "pools.NAME", with the keys of the file.

    Raises OperationError (faults-off, no-such-listener, no-such-pool, bad-value).
    """
    book, scope = _book(balancer), _scope(on)
    try:
        fault = book.add(scope, make_fault(table))
    except FaultError as error:
        raise _refused(error, scope) from None
    balancer.log.info("Fault added by the operator", on=on, fault=fault.name)
    return {"on": on, **fault_json(fault)}


def remove_fault(balancer: Balancer, on: str, name: str) -> Json:
    """Take a fault away; raises OperationError (as `add_fault`, and no-such-fault)."""
    book, scope = _book(balancer), _scope(on)
    try:
        fault = book.remove(scope, name)
    except FaultError as error:
        raise _refused(error, scope) from None
    balancer.log.info("Fault removed by the operator", on=on, fault=fault.name)
    return {"on": on, **fault_json(fault)}


def _book(balancer: Balancer) -> FaultBook:
    if balancer.faults is None:
        message = "nothing may be broken here: that needs faults = true in [balancer]"
        raise OperationError("faults-off", message)
    return balancer.faults


def _scope(on: str) -> Scope:
    section, _, name = on.partition(".")
    if section not in _ON or not name:
        raise bad_value(f"expected listeners.NAME or pools.NAME, got {shown(on)}")
    return _ON[section](name)


def _refused(error: FaultError, scope: Scope) -> OperationError:
    if error.code is FaultErrorCode.NO_SCOPE:
        return OperationError(f"no-such-{scope.section.removesuffix('s')}", str(error))
    return OperationError(_CODES.get(error.code, "bad-value"), str(error))


def fault_json(fault: Fault) -> Json:
    """Describe a fault as Toxiproxy does a toxic; `match`, which is ours, where there is one."""
    told: Json = {
        "attributes": fault.attributes,
        "name": fault.name,
        "type": fault.type,
        "stream": fault.stream.value,
        "toxicity": fault.toxicity,
    }
    if fault.match != Match():
        told["match"] = _match_json(fault.match)
    return told


def _match_json(match: Match) -> Json:
    given = attrs.asdict(match, recurse=False, filter=lambda _, value: value not in (None, 0))
    if match.client is not None:
        given["client"] = str(match.client)
    return given
