"""The commands about the session itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trio_balancer.config.model_control import ControlLevel
from trio_balancer.wire.haproxy_reply import CommandError, parse_severity_output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.control.haproxy.session import Session

DONE = ""

_DELAY = re.compile(r"([0-9]{1,9})(us|ms|s|m|h|d)?\Z", re.ASCII)
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
# A person at a prompt thinks longer than a program; 0 would close the session at once.
_LONGEST = 86400.0


def prompt(session: Session, _words: Sequence[str]) -> str:
    """Begin or end to be interactive."""
    session.interactive = not session.interactive
    return DONE


def leave(session: Session, _words: Sequence[str]) -> str:
    """End the session."""
    session.over = True
    return DONE


def severity_output(session: Session, words: Sequence[str]) -> str:
    """Say how bad each message is, as a number or a word, or not at all."""
    session.severity = parse_severity_output(words[0] if words else "")
    return DONE


def timeout(session: Session, words: Sequence[str]) -> str:
    """Set how long the session may be silent; without a unit, seconds."""
    match = _DELAY.match(words[0]) if words else None
    seconds = 0.0 if match is None else int(match[1]) * _UNITS[match[2] or "s"]
    if not 0 < seconds <= _LONGEST:
        raise CommandError("Invalid timeout value.")
    session.timeout = seconds
    return DONE


def only_operator(session: Session, _words: Sequence[str]) -> str:
    """Give up what only an admin may do."""
    session.lower(ControlLevel.OPERATOR)
    return DONE


def only_user(session: Session, _words: Sequence[str]) -> str:
    """Give up all but looking."""
    session.lower(ControlLevel.USER)
    return DONE
