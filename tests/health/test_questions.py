from __future__ import annotations

import pytest
import trio

from trio_balancer.config.model_health import CheckType, HealthConfig
from trio_balancer.health.questions import MAX_ANSWER, WrongAnswerError, ask
from trio_balancer.network import SocketOptions, Stream
from trio_balancer.testing import MemoryNetwork
from trio_balancer.wire.address import inet_address

HTTP = HealthConfig(CheckType.HTTP, path="/healthz")
PING = HealthConfig(CheckType.EXPECT, send=b"PING\r\n", expect=b"+PONG")
BANNER = HealthConfig(CheckType.EXPECT, expect=b"220 ")


@pytest.fixture
async def ends() -> tuple[Stream, Stream]:
    """Our end and the backend's, with room for more than a check reads."""
    network, options = MemoryNetwork(window=MAX_ANSWER * 2), SocketOptions()
    address = inet_address("192.0.2.1", 80)
    listener = await network.listen(address, backlog=1, options=options)
    ours = await network.connect(address, options=options)
    return ours, listener.accept_nowait()


async def answered(ends: tuple[Stream, Stream], health: HealthConfig, *said: bytes) -> str:
    """Let the backend say this and finish; return what the check saw or why it failed."""
    ours, theirs = ends
    for piece in said:
        await theirs.send_all(piece)
    await theirs.send_eof()
    try:
        return await ask(ours, health, "app.example:80")
    except WrongAnswerError as error:
        return f"wrong: {error}"


async def test_a_tcp_check_asks_nothing(ends: tuple[Stream, Stream]) -> None:
    assert await ask(ends[0], HealthConfig(), "app.example:80") == "connected"
    assert not ends[1].has_unread()


@pytest.mark.parametrize(
    ("health", "host"),
    [
        (HTTP, b"app.example:80"),
        (HealthConfig(CheckType.HTTP, path="/healthz", host="inner"), b"inner"),
    ],
)
async def test_an_http_check_asks_for_its_path_at_its_host(
    ends: tuple[Stream, Stream], health: HealthConfig, host: bytes
) -> None:
    assert await answered(ends, health, b"HTTP/1.1 200 OK\r\n\r\n") == "status 200"
    asked = await ends[1].receive_some()
    assert asked.startswith(b"GET /healthz HTTP/1.1\r\nHost: " + host + b"\r\n")


@pytest.mark.parametrize(
    ("status", "seen"),
    [
        (200, "status 200"),
        (299, "status 299"),
        (300, "wrong: status 300"),
        (401, "status 401"),
        (503, "wrong: status 503"),
    ],
)
async def test_the_ranges_of_status_are_inclusive(
    ends: tuple[Stream, Stream], status: int, seen: str
) -> None:
    health = HealthConfig(CheckType.HTTP, status=((200, 299), (401, 401)))
    assert await answered(ends, health, b"HTTP/1.1 %d X\r\n" % status) == seen


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 O", b"SSH-2.0-x\r\n", b"HTTP/1.1 200" + b" " * 10000]
)
async def test_what_is_no_http_response_is_a_wrong_answer(
    ends: tuple[Stream, Stream], said: bytes
) -> None:
    assert (await answered(ends, HTTP, said)).startswith("wrong: ")


@pytest.mark.parametrize(
    "said", [[b"+PONG\r\n"], [b"+", b"P", b"ONG"], [b"-LOADING\r\n+PO", b"NG"]]
)
async def test_expected_bytes_pass_wherever_they_come(
    ends: tuple[Stream, Stream], said: list[bytes]
) -> None:
    assert await answered(ends, PING, *said) == "got '+PONG'"
    assert await ends[1].receive_some() == b"PING\r\n"


async def test_a_banner_needs_nothing_sent(ends: tuple[Stream, Stream]) -> None:
    assert await answered(ends, BANNER, b"220 mail.example ESMTP\r\n") == "got '220 '"
    assert not ends[1].has_unread()


async def test_the_expected_bytes_may_be_cut_anywhere(
    ends: tuple[Stream, Stream], nursery: trio.Nursery
) -> None:
    ours, theirs = ends

    async def trickle() -> None:
        for octet in b"-NOT YET\r\n+PONG":
            await theirs.send_all(bytes([octet]))
            await trio.testing.wait_all_tasks_blocked()

    nursery.start_soon(trickle)
    assert await ask(ours, PING, "x") == "got '+PONG'"


@pytest.mark.parametrize(
    ("said", "got"),
    [
        (b"", "''"),
        (b"-ERR\r\n", r"'-ERR\r\n'"),
        (b"+PON", "'+PON'"),
        (b"\x1b[2J\n2026 forged", r"'\x1b[2J\n2026 forged'"),
        (b"x" * 1000, "'" + "x" * 40 + "'..."),
        (b"x" * (MAX_ANSWER - 1) + b"+PONG", "'" + "x" * 40 + "'..."),
    ],
)
async def test_other_bytes_are_shown_short_and_harmless(
    ends: tuple[Stream, Stream], said: bytes, got: str
) -> None:
    assert await answered(ends, PING, said) == f"wrong: expected '+PONG', got {got}"


async def test_no_more_than_the_bound_is_read(ends: tuple[Stream, Stream]) -> None:
    await answered(ends, PING, b"x" * (MAX_ANSWER + 1))
    assert ends[0].received == MAX_ANSWER


@pytest.mark.parametrize("health", [HTTP, PING, BANNER])
async def test_a_broken_connection_is_for_the_caller(
    ends: tuple[Stream, Stream], health: HealthConfig
) -> None:
    ends[1].reset()
    with pytest.raises(trio.BrokenResourceError):
        await ask(ends[0], health, "x")
