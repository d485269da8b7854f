"""What a check asks once it is connected, and which answers are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.model_health import CheckType, HealthConfig
from trio_balancer.wire.http_check import HttpCheckError, StatusParser, check_request

if TYPE_CHECKING:
    from trio_balancer.network.seam import Stream

#: Bytes that are read in search of the expected ones.
MAX_ANSWER = 64 * 1024
_SHOWN = 40


class WrongAnswerError(Exception):
    """The backend answered, but not as it should; the message is the reason, for people."""


async def ask(stream: Stream, health: HealthConfig, http_host: str) -> str:
    """Ask what this type of check asks; return what was seen, for people.

    Raises WrongAnswerError, and trio.BrokenResourceError when the connection broke. The caller
    bounds the time.
    """
    match health.type:
        case CheckType.HTTP:
            return await _ask_http(stream, health, http_host)
        case CheckType.EXPECT:
            return await _ask_expect(stream, health)
        case _:
            return "connected"


async def _ask_http(stream: Stream, health: HealthConfig, http_host: str) -> str:
    await stream.send_all(check_request(health.path, health.host or http_host))
    try:
        status = await _receive_status(stream)
    except HttpCheckError as error:
        raise WrongAnswerError(str(error)) from None
    if not any(first <= status <= last for first, last in health.status):
        raise WrongAnswerError(f"status {status}")
    return f"status {status}"


async def _receive_status(stream: Stream) -> int:
    parser = StatusParser()
    while True:
        data = await stream.receive_some()
        if not data:
            parser.finish()
        status = parser.feed(bytes(data))
        if status is not None:
            return status


async def _ask_expect(stream: Stream, health: HealthConfig) -> str:
    await stream.send_all(health.send)
    answer = bytearray()
    while health.expect not in answer:
        room = MAX_ANSWER - len(answer)
        data = await stream.receive_some(room) if room else b""
        if not data:
            raise WrongAnswerError(f"expected {_show(health.expect)}, got {_show(answer)}")
        answer += data
    return f"got {_show(health.expect)}"


def _show(data: bytes | bytearray) -> str:
    """Write bytes on one line, in ASCII, the first _SHOWN of them."""
    return repr(bytes(data[:_SHOWN]))[1:] + ("..." if len(data) > _SHOWN else "")
