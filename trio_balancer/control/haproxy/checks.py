"""The result of a health check in HAProxy's terms."""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING

from trio_balancer.config.model_health import CheckType
from trio_balancer.wire.haproxy_checks import CheckStatus

if TYPE_CHECKING:
    from trio_balancer.policy import LastCheck
    from trio_balancer.wire.haproxy_fields import Value

_STATUS = re.compile(r"status ([0-9]{3})\Z")
# How a check says that nobody could be reached.
_UNREACHABLE = frozenset({*map(os.strerror, errno.errorcode), "name does not resolve"})
_PASSED = {CheckType.TCP: CheckStatus.L4OK}
_LATE = {CheckType.TCP: CheckStatus.L4TOUT}


def check_status(kind: CheckType, last: LastCheck | None) -> CheckStatus:
    """Say what the last check of a backend came to."""
    if last is None:
        return CheckStatus.INI
    if last.passed:
        return _PASSED.get(kind, CheckStatus.L7OK)
    if last.detail.startswith("timeout"):
        return _LATE.get(kind, CheckStatus.L7TOUT)
    if kind is CheckType.TCP or last.detail in _UNREACHABLE:
        return CheckStatus.L4CON
    return CheckStatus.L7STS if _STATUS.match(last.detail) else CheckStatus.L7RSP


def check_columns(kind: CheckType, last: LastCheck | None) -> dict[str, Value]:
    """Return the columns of `show stat` about the last check."""
    status = check_status(kind, last)
    columns: dict[str, Value] = {
        "check_status": status.column(),
        "check_desc": status.description,
    }
    if last is not None:
        columns["check_duration"] = round(last.duration * 1000)
        match = _STATUS.match(last.detail)
        if match:
            columns["check_code"] = int(match[1])
        if not last.passed:
            columns["last_chk"] = last.detail
    return columns
