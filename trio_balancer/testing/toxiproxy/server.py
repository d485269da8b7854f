"""The API's server: bind it, serve until cancelled."""

from __future__ import annotations

import traceback
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

import trio

from trio_balancer.flow.bind import BindError
from trio_balancer.network.errors import describe
from trio_balancer.testing.toxiproxy.addresses import ApiAddress
from trio_balancer.testing.toxiproxy.api import Api
from trio_balancer.testing.toxiproxy.http_server import Answer, converse

if TYPE_CHECKING:
    from trio_balancer.flow.log import Log
    from trio_balancer.testing.toxiproxy.http_server import Request
    from trio_balancer.testing.toxiproxy.proxies import Proxies


async def serve_api(
    proxies: Proxies,
    address: ApiAddress,
    *,
    task_status: trio.TaskStatus[ApiAddress] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Answer clients until cancelled; hands over the real address once it listens.

    Raises BindError.
    """
    try:
        listeners = await trio.open_tcp_listeners(address.port, host=address.host)
    except OSError as error:
        message = f"the Toxiproxy API cannot bind {address.url}: {describe(error)}"
        raise BindError(error.errno, message) from error
    async with AsyncExitStack() as closing:
        for each in listeners:
            closing.push_async_callback(each.aclose)
        bound = ApiAddress(*listeners[0].socket.getsockname()[:2])
        proxies.balancer.log.info("Toxiproxy API listening", url=bound.url)
        task_status.started(bound)
        await trio.serve_listeners(partial(_serve, proxies, Api(proxies)), listeners)


async def _serve(proxies: Proxies, api: Api, stream: trio.SocketStream) -> None:
    """Converse with one client; a bug ends this conversation and nothing else."""
    try:
        await converse(stream, partial(_answer, proxies, api))
    except Exception as bug:  # noqa: BLE001 - the balancer goes on whatever breaks in here
        _report(proxies.balancer.log, bug)


async def _answer(proxies: Proxies, api: Api, request: Request) -> Answer:
    """Answer, also where a bug is in the way."""
    try:
        return await api.answer(request)
    except Exception as bug:  # noqa: BLE001 - whoever asks is told
        _report(proxies.balancer.log, bug)
        return Answer(500, b'{"error": "a bug; the log has it", "status": 500}\n')


def _report(log: Log, bug: Exception) -> None:
    text = "".join(traceback.format_exception(bug))
    log.error("The Toxiproxy API has a bug", reason=repr(bug), traceback=text)
