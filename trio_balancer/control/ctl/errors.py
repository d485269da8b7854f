"""Why a command was not done."""

from __future__ import annotations


class UsageError(Exception):
    """The command line does not say all that is needed; the text is a sentence for people."""


class ControlError(Exception):
    """The balancer could not be asked, or refused; the text is a sentence for people.

    `code` is the balancer's own word for a refusal ("no-such-pool"), None where it said nothing.
    """

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code
