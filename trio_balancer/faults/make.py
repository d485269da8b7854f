"""Make a fault of plain values, as an API receives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.faults import read_fault
from trio_balancer.config.problems import Report
from trio_balancer.config.reader import TableReader
from trio_balancer.faults.errors import FaultError, FaultErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_balancer.config.model_faults import Fault

_CODES = {"type": FaultErrorCode.INVALID_TYPE, "stream": FaultErrorCode.INVALID_STREAM}


def make_fault(table: Mapping[str, object]) -> Fault:
    """Make a fault of what a table of the configuration would say of it.

    That is `type`, and if wished `name`, `attributes`, `stream`, `toxicity`, `match`. Raises
    FaultError with the first problem.
    """
    report = Report("")
    reader = TableReader(dict(table), (), report)
    fault = read_fault(reader)
    reader.report_unknown_keys()
    for problem in report.problems:
        code = _CODES.get(problem.key, FaultErrorCode.INVALID_VALUE)
        raise FaultError(code, str(problem))
    return fault


def change_fault(
    fault: Fault, attributes: Mapping[str, object] | None, toxicity: float | None
) -> Fault:
    """Return a fault with some attributes, or the toxicity, replaced; raises FaultError."""
    changed = make_fault(
        {
            "name": fault.name,
            "type": fault.type,
            "attributes": {**fault.attributes, **(attributes or {})},
            "toxicity": fault.toxicity if toxicity is None else toxicity,
        }
    )
    return attrs.evolve(fault, effect=changed.effect, toxicity=changed.toxicity)
