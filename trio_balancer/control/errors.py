"""Why an operation was not done."""

from __future__ import annotations


class OperationError(Exception):
    """An operation was refused or failed, and changed nothing.

    `code` is a stable word for programs ("no-such-pool"), `message` a sentence for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def bad_value(message: str) -> OperationError:
    """Build the error for a parameter that makes no sense."""
    return OperationError("bad-value", message)
