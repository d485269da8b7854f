from __future__ import annotations

from trio_balancer.control.errors import OperationError, bad_value


def test_an_error_is_a_code_and_a_sentence() -> None:
    error = OperationError("no-such-pool", "there is no pool 'x'")
    assert (error.code, error.message, str(error)) == (
        "no-such-pool",
        "there is no pool 'x'",
        "there is no pool 'x'",
    )


def test_a_bad_value() -> None:
    assert bad_value("too large").code == "bad-value"
