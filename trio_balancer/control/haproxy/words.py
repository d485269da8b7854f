"""A backend's state in HAProxy's terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.policy import Admin as Wish
from trio_balancer.wire.haproxy_status import READY, Admin, CheckHealth, Operation

if TYPE_CHECKING:
    from trio_balancer.policy import BackendStatistics

_ADMIN = {
    Wish.READY: READY,
    Wish.DRAIN: Admin.FORCED_DRAIN,
    Wish.MAINTENANCE: Admin.FORCED_MAINTENANCE,
}


def admin_of(backend: BackendStatistics) -> Admin:
    """Return what the operator wants of it."""
    return _ADMIN[backend.admin]


def operation_of(backend: BackendStatistics) -> Operation:
    """Return what it does: an ejected backend serves nobody, whatever its checks say."""
    if backend.admin is Wish.MAINTENANCE or backend.ejected:
        return Operation.STOPPED
    if backend.checked and backend.health < backend.rise:
        return Operation.STOPPED
    slow = backend.admin is Wish.READY and backend.effective_weight < backend.weight
    return Operation.STARTING if slow else Operation.RUNNING


def health_of(backend: BackendStatistics) -> CheckHealth | None:
    """Return the counter of its checks; None without checks.

    An ejected backend has all of its checks passed and is "DOWN" none the less.
    """
    if not backend.checked:
        return None
    value = 0 if backend.ejected else backend.health
    return CheckHealth(value, backend.rise, backend.fall)
