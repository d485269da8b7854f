"""Why a request was not answered as asked: an HTTP status and the JSON that goes with it."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from trio_balancer.control.errors import OperationError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from trio_balancer.flow.log import Log

_STATUSES = {
    "bad-value": 400,
    "not-allowed": 403,
    "needs-restart": 409,
    "reload-failed": 409,
}
_NOT_FOUND = 404
_WORDS = {_NOT_FOUND: "not-found", 405: "method-not-allowed"}


class RequestError(Exception):
    """A request that is refused before any operation is asked for.

    `status` is HTTP's, `code` a stable word for programs, `message` a sentence for people.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> Response:
        """Build the answer."""
        return error_response(self.status, self.code, self.message)


def error_response(status: int, code: str, message: str) -> Response:
    """Build the answer `{"error": {"code": …, "message": …}}`."""
    headers = {"WWW-Authenticate": "Bearer"} if code == "no-token" else None
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


async def on_error(_request: Request, error: Exception) -> Response:
    """Answer for an expected error; any other is raised again, for it is a bug."""
    match error:
        case RequestError():
            return error.response()
        case OperationError():
            return error_response(status_of(error), error.code, error.message)
        case HTTPException():
            return _answer_to_http(error)
    raise error


def status_of(error: OperationError) -> int:
    """Choose the HTTP status of an operation that was refused or failed."""
    if error.code.startswith("no-such-"):
        return _NOT_FOUND
    return _STATUSES.get(error.code, 400)


def _answer_to_http(error: HTTPException) -> Response:
    """Answer for a path or a method that there is none of."""
    code = _WORDS.get(error.status_code, "bad-request")
    answer = error_response(error.status_code, code, f"{error.detail}.")
    answer.headers.update(error.headers or {})
    return answer


def report_bug(log: Log, bug: BaseException) -> None:
    """Log what should never have been raised, and where it was."""
    text = "".join(traceback.format_exception(bug))
    log.error("The admin server has a bug", reason=repr(bug), traceback=text)
