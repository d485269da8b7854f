from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message
from trio.testing import MockClock

from trio_balancer.control.admin.body import MOST_BYTES, PATIENCE, Body, read_body
from trio_balancer.control.admin.errors import RequestError


def asked(*chunks: bytes, pause: float = 0.0) -> Request:
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Message:
        await trio.sleep(pause)
        return messages.pop(0)

    return Request({"type": "http", "headers": []}, receive)


async def refusal(request: Request, *known: str) -> tuple[int, str]:
    with pytest.raises(RequestError) as caught:
        await read_body(request, *known)
    return caught.value.status, caught.value.message


@pytest.mark.parametrize("content", [b"", b" \n", b"{}"])
async def test_nothing_is_an_empty_object(content: bytes) -> None:
    assert (await read_body(asked(content))).members == {}


async def test_the_members_that_are_known() -> None:
    body = await read_body(asked(b'{"over"', b": 5}"), "over")
    assert body.members == {"over": 5}


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 60_000, b'{"a": 1} x'])
async def test_what_is_no_json(content: bytes) -> None:
    assert await refusal(asked(content)) == (400, "The body is not JSON.")


@pytest.mark.parametrize("content", [b"[]", b"1", b"null", b'"over"'])
async def test_what_is_no_object(content: bytes) -> None:
    assert await refusal(asked(content)) == (400, "The body is not a JSON object.")


async def test_members_that_are_unknown() -> None:
    told = "The body has a member that is not known here; it may have: "
    assert await refusal(asked(b'{"ovr": 5}'), "over") == (400, f"{told}over.")
    assert await refusal(asked(b'{"over": 5}')) == (400, f"{told}nothing.")


async def test_a_body_that_does_not_end() -> None:
    chunks = [b" " * 1000] * (MOST_BYTES // 1000 + 1)
    assert await refusal(asked(*chunks)) == (413, f"A body has at most {MOST_BYTES} bytes.")


async def test_a_body_that_breaks_off_is_no_bug() -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    request = Request({"type": "http", "headers": []}, gone)
    assert await refusal(request) == (400, "The body was not whole.")


async def test_a_body_that_comes_slowly(autojump_clock: MockClock) -> None:
    status, _message = await refusal(asked(b"{", b"}", pause=PATIENCE / 2))
    assert status == 408
    assert trio.current_time() == PATIENCE


@pytest.mark.parametrize(
    ("value", "seconds"), [(5, 5.0), (0, 0.0), (1.5, 1.5), ("5s", 5.0), (None, None)]
)
def test_seconds(value: object, seconds: float | None) -> None:
    assert Body({"over": value}).seconds("over") == seconds


def test_no_seconds() -> None:
    assert Body({}).seconds("over") is None


WRONG_SECONDS = [True, "5", [], -1, float("nan"), float("inf"), 10**400, 1e13]


@pytest.mark.parametrize("value", WRONG_SECONDS, ids=range(len(WRONG_SECONDS)))
def test_what_are_no_seconds(value: object) -> None:
    with pytest.raises(RequestError, match="expected a duration"):
        Body({"over": value}).seconds("over")


@pytest.mark.parametrize("value", [5, "50%"])
def test_weights(value: object) -> None:
    assert Body({"weight": value}).weight("weight") == value


@pytest.mark.parametrize("value", [None, True, 1.5, []])
def test_what_are_no_weights(value: object) -> None:
    with pytest.raises(RequestError, match="whole number"):
        Body({"weight": value}).weight("weight")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
_READERS: list[Callable[[Body], object]] = [
    lambda body: body.seconds("it"),
    lambda body: body.weight("it"),
]


@given(st.dictionaries(st.sampled_from(["it", "other"]), _VALUES), st.sampled_from(_READERS))
def test_any_json_is_read_or_refused(members: object, reader: Callable[[Body], object]) -> None:
    body = Body(json.loads(json.dumps(members)))
    try:
        reader(body)
    except RequestError as error:
        assert error.status == 400  # noqa: PT017 - any other error fails the test
