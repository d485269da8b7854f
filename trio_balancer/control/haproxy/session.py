"""One client's session on the command line: its level, its prompt, and what it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.model_control import ControlLevel
from trio_balancer.control.errors import OperationError
from trio_balancer.control.operations import Operations
from trio_balancer.wire.haproxy_log import Severity
from trio_balancer.wire.haproxy_reply import CommandError, SeverityOutput, message

if TYPE_CHECKING:
    from trio_balancer.balancer import Balancer

_LEVELS = tuple(ControlLevel)
# What HAProxy says where an operation of ours says why.
_TEXTS = {
    "no-such-pool": "No such backend.",
    "no-such-backend": "No such server.",
    "no-such-listener": "No such frontend.",
    "no-such-connection": "No such session (use 'show sess').",
}


@attrs.define(eq=False)
class Session:
    """What a client has set, for as long as it stays.

    `timeout` is how long it may be silent, in seconds; None: as long as is usual.
    """

    operations: Operations
    #: The path of the socket, for `show cli sockets`.
    path: str
    level: ControlLevel
    timeout: float | None = None
    interactive: bool = False
    severity: SeverityOutput = SeverityOutput.NONE
    over: bool = False

    @property
    def balancer(self) -> Balancer:
        """The balancer that it is about."""
        return self.operations.balancer

    def may(self, level: ControlLevel) -> bool:
        """Whether it may use commands of this level."""
        return _LEVELS.index(self.level) >= _LEVELS.index(level)

    def lower(self, level: ControlLevel) -> None:
        """Give up what is above a level, for good."""
        if self.may(level):
            self.level = level

    def tell_error(self, error: CommandError | OperationError) -> str:
        """Write why a command was not done."""
        text = str(error)
        if isinstance(error, OperationError):
            text = _TEXTS.get(error.code) or f"{text[:1].upper()}{text[1:]}."
        return message(text, Severity.ERROR, self.severity)
