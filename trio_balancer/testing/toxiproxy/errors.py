"""What the API answers when it cannot do what it was asked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from trio_balancer.faults import FaultError, FaultErrorCode

if TYPE_CHECKING:
    from trio_balancer.flow.bind import BindError


class ApiError(Exception):
    """A request that is answered with an HTTP status and a text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def bad_body(reason: str) -> ApiError:
    """Build the error for a body that is not what was expected."""
    return ApiError(400, f"bad request body: {reason}")


def missing_field(field: str) -> ApiError:
    """Build the error for a proxy without its name or its upstream."""
    return ApiError(400, f"missing required field: {field}")


def invalid_stream() -> ApiError:
    """Build the error for a toxic that is on neither way."""
    return ApiError(400, "stream was invalid, can be either upstream or downstream")


def no_proxy() -> ApiError:
    """Build the error for the name of a proxy that there is none of."""
    return ApiError(404, "proxy not found")


def proxy_exists() -> ApiError:
    """Build the error for the name of a proxy that is taken."""
    return ApiError(409, "proxy already exists")


def toxic_exists() -> ApiError:
    """Build the error for the name of a toxic that is taken."""
    return ApiError(409, "toxic already exists")


def cannot_bind(listen: str, error: BindError) -> ApiError:
    """Build the error for a port that is taken, and its like, in the words of Go."""
    return ApiError(500, f"listen tcp {listen}: bind: {os.strerror(error.errno or 0).lower()}")


def fault_refused(error: FaultError) -> ApiError:
    """Build Toxiproxy's error for one of ours."""
    match error.code:
        case FaultErrorCode.NO_SCOPE:
            return no_proxy()
        case FaultErrorCode.NOT_FOUND:
            return ApiError(404, "toxic not found")
        case FaultErrorCode.EXISTS:
            return toxic_exists()
        case FaultErrorCode.INVALID_TYPE:
            return ApiError(400, "invalid toxic type")
        case FaultErrorCode.INVALID_STREAM:
            return invalid_stream()
    return bad_body(str(error))
