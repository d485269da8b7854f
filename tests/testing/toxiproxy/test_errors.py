from __future__ import annotations

import pytest

from trio_balancer.faults import FaultError, FaultErrorCode
from trio_balancer.testing.toxiproxy.errors import fault_refused


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        (FaultErrorCode.NO_SCOPE, 404, "proxy not found"),
        (FaultErrorCode.NOT_FOUND, 404, "toxic not found"),
        (FaultErrorCode.EXISTS, 409, "toxic already exists"),
        (FaultErrorCode.INVALID_TYPE, 400, "invalid toxic type"),
        (
            FaultErrorCode.INVALID_STREAM,
            400,
            "stream was invalid, can be either upstream or downstream",
        ),
        (FaultErrorCode.INVALID_VALUE, 400, "bad request body: because"),
    ],
)
def test_each_refusal_has_its_answer(code: FaultErrorCode, status: int, message: str) -> None:
    error = fault_refused(FaultError(code, "because"))
    assert (error.status, error.message) == (status, message)
