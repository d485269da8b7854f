"""What can be wrong with a wish for a fault."""

from __future__ import annotations

from enum import Enum


class FaultErrorCode(Enum):
    """The kind of the mistake, for whoever answers in a protocol of its own."""

    NO_SCOPE = "no such listener or pool"
    NOT_FOUND = "no such fault"
    EXISTS = "the name is taken"
    INVALID_TYPE = "no such type"
    INVALID_STREAM = "neither upstream nor downstream"
    INVALID_VALUE = "a value is wrong"


class FaultError(Exception):
    """A fault cannot be added, changed or taken away; `code` says why, the text in a sentence."""

    def __init__(self, code: FaultErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
