"""What the timeline says of a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.model_effects import Delay, Refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trio_balancer.faults import InstalledFault


def fault_text(installed: InstalledFault) -> str:
    """Describe a fault: "slow on listeners.front: latency(latency=100, jitter=0) downstream".

    The toxicity and whom it matches follow where they narrow it down; not the backend, for which
    an event has a place of its own.
    """
    return f"{fault_place(installed)}: {' '.join(_words(installed))}"


def fault_place(installed: InstalledFault) -> str:
    """Name a fault, and where it is."""
    return f"{installed.fault.name} on {installed.scope}"


def _words(installed: InstalledFault) -> Iterator[str]:
    fault = installed.fault
    attributes = (f"{name}={value}" for name, value in fault.attributes.items())
    yield f"{fault.type}({', '.join(attributes)})"
    if not isinstance(fault.effect, Refuse | Delay):
        yield fault.stream.value
    if fault.toxicity < 1:
        yield f"toxicity={fault.toxicity}"
    for field in attrs.fields(type(fault.match)):
        value = getattr(fault.match, field.name)
        if value != field.default and field.name != "backend":
            yield f"{field.name}={value}"
