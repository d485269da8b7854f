"""The word in the `status` column of a server.

Source: HAProxy 2.6's management guide, 9.1, "status", and what HAProxy 2.6.12 showed of servers
in each of these states.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

import attrs


class Operation(IntEnum):
    """What a server does, whatever the operator wants: `srv_op_state`."""

    STOPPED = 0
    STARTING = 1
    RUNNING = 2
    STOPPING = 3


class Admin(IntFlag):
    """What the operator wants of a server: `srv_admin_state`.

    "Inherited" is from the server that this one tracks.
    """

    FORCED_MAINTENANCE = 0x01
    INHERITED_MAINTENANCE = 0x02
    CONFIGURED_MAINTENANCE = 0x04
    FORCED_DRAIN = 0x08
    INHERITED_DRAIN = 0x10
    UNRESOLVED = 0x20
    NAME_CHANGED = 0x40


READY = Admin(0)
_MAINTENANCE = Admin.FORCED_MAINTENANCE | Admin.CONFIGURED_MAINTENANCE
_DRAIN = Admin.FORCED_DRAIN | Admin.INHERITED_DRAIN


@attrs.frozen
class CheckHealth:
    """The counter of the checks, from 0 to rise + fall - 1; the server is up from `rise` on."""

    value: int
    rise: int
    fall: int

    @property
    def full(self) -> bool:
        """Whether the last check passed, as far as one can tell."""
        return self.value == self.rise + self.fall - 1


def server_status(
    operation: Operation,
    admin: Admin,
    check: CheckHealth | None,
    *,
    agent_up: bool | None = None,
    via: str = "",
) -> str:
    """Return the status: "UP", "UP 1/3", "DOWN 1/2", "MAINT", "DRAIN", "NOLB", "no check", ….

    `check` and `agent_up` are None where there are no such checks; `via` is the server that is
    tracked, "pool/server", where maintenance comes from there. Maintenance is told before all
    else, and being down before drain.
    """
    if admin & Admin.UNRESOLVED:
        return "MAINT (resolution)"
    if admin & Admin.INHERITED_MAINTENANCE:
        return f"MAINT (via {via})"
    if admin & _MAINTENANCE:
        return "MAINT"
    if operation is Operation.STOPPED:
        return _down(check, agent_up=agent_up)
    return _serving(operation, admin, check, agent_up=agent_up)


def _serving(
    operation: Operation, admin: Admin, check: CheckHealth | None, *, agent_up: bool | None
) -> str:
    if operation is Operation.STOPPING:
        return "NOLB" + _losing(check)
    if admin & _DRAIN:
        return "DRAIN (agent)" if agent_up is not None else "DRAIN" + _losing(check)
    return "no check" if check is None else "UP" + _losing(check)


def _losing(check: CheckHealth | None) -> str:
    """Say how many more failures the server has left, unless it has lost none."""
    if check is None or check.full:
        return ""
    return f" {check.value - check.rise + 1}/{check.fall}"


def _down(check: CheckHealth | None, *, agent_up: bool | None) -> str:
    """Say how many checks have passed, if any has."""
    if agent_up is False:
        return "DOWN (agent)"
    if check is None or check.value == 0:
        return "DOWN"
    return f"DOWN {check.value}/{check.rise}"
