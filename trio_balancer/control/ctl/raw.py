"""raw: one line for HAProxy's command line, and its reply."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from trio_balancer.control.ctl.errors import UsageError
from trio_balancer.control.ctl.output import hand_over, say
from trio_balancer.control.ctl.session import DONE
from trio_balancer.control.ctl.text import harmless

if TYPE_CHECKING:
    from trio_balancer.control.ctl.arguments import Commands
    from trio_balancer.control.ctl.session import Session

REFUSED = 1

# HAProxy tells an error from a result only where it is asked to, as in "[3]: No such server."
# Source: HAProxy 2.6's management guide, 9.3, "set severity-output".
_ASK = "set severity-output number; "
_SEVERITY = re.compile(r"\[([0-7])\]: ")
_ERROR = 3
_UNKNOWN = "Unknown command"


def add_to(commands: Commands) -> None:
    """Add the command."""
    raw = commands.add("raw", "send a line to HAProxy's command line, and print the reply", _raw)
    raw.add_argument("words", metavar="WORD", nargs=argparse.REMAINDER, help="like: show stat")


def _raw(session: Session) -> int:
    line = " ".join(session.arguments.words)
    if not line.strip() or "\n" in line:
        raise UsageError("raw needs one line, like: raw show servers state")
    replies = Replies()
    for text in session.client.pass_on(_ASK + line):
        replies.take(text)
    return replies.status


class Replies:
    """Prints the lines of replies without their severities; `status` is 1 once one is an error.

    An empty line ends a reply; the first reply is that to the question for severities.
    """

    def __init__(self) -> None:
        self.status = DONE
        self._at_start = True
        self._asked = True

    def take(self, line: str) -> None:
        """Print a line, if it belongs to what was asked for."""
        asked, self._asked = self._asked, False
        if asked and not line:
            return
        say(harmless(self._judge(line) if self._at_start else line))
        hand_over()
        self._at_start = not line

    def _judge(self, line: str) -> str:
        severity = _SEVERITY.match(line)
        if line.startswith(_UNKNOWN) or (severity is not None and int(severity[1]) <= _ERROR):
            self.status = REFUSED
        return line if severity is None else line[severity.end() :]
