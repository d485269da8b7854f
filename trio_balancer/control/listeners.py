"""What an operator does to a listener's ports; its connections stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.control.find import find_listener
from trio_balancer.control.status import listener_state

if TYPE_CHECKING:
    from trio_balancer.balancer import Balancer
    from trio_balancer.control.status import Json


def set_disabled(balancer: Balancer, name: str, *, disabled: bool) -> Json:
    """Let the ports refuse clients, or accept again."""
    find_listener(balancer, name).set_disabled(disabled=disabled)
    balancer.log.info("Listener set by the operator", listener=name, disabled=disabled)
    return _told(balancer, name)


def shut_down(balancer: Balancer, name: str) -> Json:
    """Let go of the ports; a reload of the file binds them again."""
    gate = find_listener(balancer, name)
    for bound in list(gate.bound):
        gate.close(bound)
    balancer.log.info("Listener shut down by the operator", listener=name)
    return _told(balancer, name)


def _told(balancer: Balancer, name: str) -> Json:
    return {"listener": name, "state": listener_state(balancer, name)}
