"""What a client of the runtime socket may say, and what it may not do to others."""

from __future__ import annotations

import json

import pytest
import trio
from support.commands import SOCKET, Terminal, operate
from support.world import BACKEND, OPTIONS, World, is_reset, receive_to_end, trade
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.control.runtime_client import PATIENCE, PATIENCE_AT_PROMPT
from trio_balancer.wire.haproxy_cli import MAX_LINE
from trio_balancer.wire.haproxy_reply import PAYLOAD_PROMPT


async def test_one_line_one_reply_and_the_end(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    assert await operator.ask("get weight app/one") == "10 (initial 10)\n\n"
    assert await operator.ask("get weight app/one\nget weight app/two") == "10 (initial 10)\n\n"
    assert await operator.ask("") == "\n"


async def test_several_commands_on_a_line(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    replies = await operator.ask("get weight app/one;set weight app/one 3; get weight app/one")
    assert replies == "10 (initial 10)\n\n\n3 (initial 10)\n\n"


async def test_a_line_in_pieces(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    stream = await operator.connect()
    for piece in (b"get weight", b" app/", b"one", b"\n"):
        await stream.send_all(piece)
        await trio.sleep(1)
    assert await receive_to_end(stream) == b"10 (initial 10)\n\n"


async def test_a_command_without_its_end_is_not_done(
    autojump_clock: MockClock, world: World
) -> None:
    operator = await operate(world)
    stream = await operator.connect()
    await stream.send_all(b"set weight app/one 1")  # perhaps it was to be 100
    await stream.send_eof()
    assert await receive_to_end(stream) == b""
    assert world.runtime.pools["app"].backends[0].weight == 10


async def test_a_prompt(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    terminal = Terminal(await operator.connect())
    assert await terminal.say("prompt") == ""
    assert await terminal.say("get weight app/one") == "10 (initial 10)\n"
    assert await terminal.say("nonsense <<", end=PAYLOAD_PROMPT) == ""
    assert (await terminal.say("")).startswith("Unknown command")
    reply = await terminal.say('{"do": "explain", "client": "::1", "listener": "web"}')
    assert json.loads(reply)["ok"] is True
    assert json.loads(await terminal.say("{}"))["ok"] is False
    await terminal.stream.send_all(b"prompt\n")
    assert await receive_to_end(terminal.stream) == b"\n"


async def test_quit(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    terminal = Terminal(await operator.connect())
    await terminal.say("prompt")
    await terminal.stream.send_all(b"quit;show info\nshow info\n")
    assert await receive_to_end(terminal.stream) == b""


async def test_what_the_end_of_a_payload_says(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    reply = await operator.ask('nonsense <<END\n{"do": "shutdown"}\nEND')
    assert reply.startswith("Unknown command")
    assert world.balancer.ready


# Clients that do not behave


async def test_who_says_nothing_is_sent_away(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    began = trio.current_time()
    stream = await operator.connect()
    assert await receive_to_end(stream) == b""
    assert trio.current_time() - began == PATIENCE


async def test_a_person_at_a_prompt_may_think(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    terminal = Terminal(await operator.connect())
    await terminal.say("prompt")
    await trio.sleep(PATIENCE_AT_PROMPT - 1)
    await terminal.say("set timeout cli 30")
    began = trio.current_time()
    assert await receive_to_end(terminal.stream) == b""
    assert trio.current_time() - began == 30


@pytest.mark.parametrize("start", [b"", b"{"])
async def test_an_endless_line_is_refused(
    start: bytes, autojump_clock: MockClock, world: World
) -> None:
    operator = await operate(world)
    stream = await operator.connect()
    await stream.send_all(start + b"x" * (MAX_LINE + 1))
    assert await receive_to_end(stream) == b"A line may have at most 16384 bytes.\n\n"


async def test_an_endless_payload_is_refused(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    stream = await operator.connect()
    await stream.send_all(b"whatever <<\n" + b"some line\n" * (MAX_LINE // 8))
    reply = await receive_to_end(stream)
    assert b"A command may have at most 16384 bytes" in reply


async def test_who_does_not_read_is_sent_away(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    operator = await operate(world)
    stream = await operator.connect()
    await stream.send_all(b"prompt\n" + b"help\n" * 300)
    client = await world.client()
    assert await trade(client) == b"ping"
    await trio.sleep(2 * PATIENCE)
    assert await trade(client) == b"ping"
    assert await is_reset(stream)


async def test_who_has_gone_is_no_news(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    stream = await operator.connect()
    await stream.send_all(b"prompt\n")
    stream.reset()
    await wait_all_tasks_blocked()
    assert world.lines("bug") == []


async def test_clients_that_want_the_same_at_the_same_time(
    autojump_clock: MockClock, world: World
) -> None:
    await operate(world)
    streams = [await world.network.connect(SOCKET, options=OPTIONS) for _ in range(5)]
    for stream in streams:
        await stream.send_all(b"add server app/new 10.0.9.9:80\n")
    streams[0].reset()
    replies = sorted([(await receive_to_end(stream)).decode() for stream in streams[1:]])
    assert replies[0] == "Already exists a server with the same name in backend.\n\n"
    assert [backend.name for backend in world.runtime.pools["app"].backends].count("new") == 1
