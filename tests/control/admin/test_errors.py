from __future__ import annotations

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from support.admin import open_desk
from support.world import World
from trio.testing import MockClock

from trio_balancer.control.admin.errors import RequestError, error_response, on_error, status_of
from trio_balancer.control.errors import OperationError, bad_value

ASKED = Request({"type": "http"})


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("no-such-pool", 404),
        ("no-such-backend", 404),
        ("bad-value", 400),
        ("needs-restart", 409),
        ("reload-failed", 409),
        ("not-allowed", 403),
        ("anything-else", 400),
    ],
)
def test_each_code_has_its_status(code: str, status: int) -> None:
    assert status_of(OperationError(code, "no")) == status


async def test_expected_errors_are_answers() -> None:
    refused = await on_error(ASKED, RequestError(415, "not-json", "Send JSON."))
    assert (refused.status_code, bytes(refused.body)) == (
        415,
        b'{"error":{"code":"not-json","message":"Send JSON."}}',
    )
    assert (await on_error(ASKED, bad_value("no"))).status_code == 400
    assert (await on_error(ASKED, HTTPException(418))).status_code == 418


async def test_any_other_is_a_bug() -> None:
    with pytest.raises(KeyError):
        await on_error(ASKED, KeyError())


def test_who_needs_a_token_is_told_which() -> None:
    assert error_response(401, "no-token", "").headers["www-authenticate"] == "Bearer"
    assert "www-authenticate" not in error_response(403, "cross-site", "").headers


async def test_no_such_path(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    answer = await desk.get("/api/nothing")
    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": "not-found", "message": "Not Found."}}


async def test_no_such_method(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    answer = await desk.post("/api/status")
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method-not-allowed"
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
