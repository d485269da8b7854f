r"""How replies leave HAProxy's command line: their end, the prompts, errors and severities.

Source: HAProxy 2.6's management guide, 9.3 "Unix Socket commands", and what HAProxy 2.6.12 sent.
A reply ends with an empty line and holds none, so that a client knows where the next one begins:
"10 (initial 10)\n\n"; success without a word is "\n".
"""

from __future__ import annotations

from enum import Enum

from trio_balancer.wire.haproxy_log import Severity

# After each reply once `prompt` was given; its newline is the empty line that ends the reply.
PROMPT = "\n> "
# In its place while the lines of a payload are awaited, and again after each of them.
PAYLOAD_PROMPT = "+ "
_NO_PROMPT = "\n"

_SEVERITY_NAMES = {
    Severity.ERROR: "err",
    Severity.WARNING: "warning",
    Severity.INFO: "info",
    Severity.DEBUG: "debug",
}


class CommandError(ValueError):
    """A command cannot be done; the message is HAProxy's where it has one for that."""


class SeverityOutput(Enum):
    """What `set severity-output` asks for: how a message says how bad it is."""

    NONE = "none"
    NUMBER = "number"
    STRING = "string"


def parse_severity_output(word: str) -> SeverityOutput:
    """Parse the last word of `set severity-output`; raises CommandError."""
    try:
        return SeverityOutput(word)
    except ValueError:
        raise CommandError("one of 'none', 'number', 'string' is a required argument") from None


def message(text: str, severity: Severity, output: SeverityOutput) -> str:
    """Put the severity before a message: "[3]: No such server." or "[err]: No such server.".

    HAProxy does so for messages only, not for the tables that `show` commands write.
    """
    if output is SeverityOutput.NONE:
        return text
    mark = severity.value if output is SeverityOutput.NUMBER else _SEVERITY_NAMES[severity]
    return f"[{mark}]: {text}"


def frame(reply: str, *, interactive: bool = False) -> bytes:
    """Make a reply (lines of text) what goes to the client, with its end.

    Empty lines within the reply are dropped. What no encoding can carry is written as an escape.
    """
    lines = "".join(f"{line}\n" for line in reply.split("\n") if line)
    end = PROMPT if interactive else _NO_PROMPT
    return (lines + end).encode("utf-8", "backslashreplace")
