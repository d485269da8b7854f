"""The calls of Toxiproxy's API: which there are, and what each answers."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote

import attrs
import trio

from trio_balancer.testing.toxiproxy.bodies import (
    read_proxies,
    read_proxy,
    read_proxy_change,
    read_toxic,
    read_toxic_change,
)
from trio_balancer.testing.toxiproxy.errors import ApiError
from trio_balancer.testing.toxiproxy.http_server import Answer, Request
from trio_balancer.testing.toxiproxy.metrics import CONTENT_TYPE, write_metrics
from trio_balancer.testing.toxiproxy.proxies import Proxies

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Call = Callable[[bytes], Awaitable[Answer]]

#: Clients choose by it what they may ask for: the one whose contract this is.
VERSION = "2.12.0"
#: Seconds that a call may take.
PATIENCE = 25.0

CREATED = 201
NO_CONTENT = Answer(204)
# What Go's http.Error says that an error's body is, although it is JSON.
_ERROR_TYPE = "text/plain; charset=utf-8"


@attrs.frozen
class Api:
    """Answers requests; use it in the balancer's own trio loop."""

    proxies: Proxies

    async def answer(self, request: Request) -> Answer:
        """Do what is asked, and answer; never raises."""
        try:
            _refuse_browsers(request)
            with trio.fail_after(PATIENCE):
                return await self._call(request)(request.body)
        except ApiError as error:
            return _refused(error)
        except trio.TooSlowError:
            return _refused(ApiError(503, f"no answer within {PATIENCE:g} s"))

    def _call(self, request: Request) -> Call:
        """Find what a request is for; raises ApiError."""
        parts = [unquote(part) for part in request.path.partition("?")[0].split("/")[1:]]
        calls = self._calls(parts)
        if calls is None:
            raise ApiError(404, "page not found")
        method = "POST" if request.method == "PATCH" and _is_one(parts) else request.method
        if method not in calls:
            raise ApiError(405, "method not allowed")
        return calls[method]

    def _calls(self, parts: list[str]) -> Mapping[str, Call] | None:
        """Return the calls of a path, by method; None where it is no path."""
        match parts:
            case ["version"]:
                return {"GET": _version}
            case ["metrics"]:
                return {"GET": self._metrics}
            case ["reset"]:
                return {"POST": self._reset}
            case ["populate"]:
                return {"POST": self._populate}
            case ["proxies", *rest]:
                return self._proxy_calls(rest)
        return None

    def _proxy_calls(self, parts: list[str]) -> Mapping[str, Call] | None:
        match parts:
            case []:
                return {"GET": self._list, "POST": self._create}
            case [name]:
                return {
                    "GET": partial(self._get, name),
                    "POST": partial(self._update, name),
                    "DELETE": partial(self._delete, name),
                }
            case [name, "toxics"]:
                return {
                    "GET": partial(self._list_toxics, name),
                    "POST": partial(self._add_toxic, name),
                }
            case [name, "toxics", toxic]:
                return {
                    "GET": partial(self._get_toxic, name, toxic),
                    "POST": partial(self._update_toxic, name, toxic),
                    "DELETE": partial(self._remove_toxic, name, toxic),
                }
        return None

    # All together

    async def _metrics(self, _body: bytes) -> Answer:
        return Answer(200, write_metrics(self.proxies).encode(), CONTENT_TYPE)

    async def _reset(self, _body: bytes) -> Answer:
        self.proxies.reset()
        return NO_CONTENT

    async def _populate(self, body: bytes) -> Answer:
        """Make all proxies of a list, up to the first that cannot be."""
        done: list[object] = []
        try:
            for wish in read_proxies(body):
                await self.proxies.replace(wish)
                done.append(self.proxies.describe(wish.name))
        except ApiError as error:
            return _json({**_told(error), "proxies": done}, error.status)
        return _json({"proxies": done}, CREATED)

    # Proxies

    async def _list(self, _body: bytes) -> Answer:
        return _json(self.proxies.describe_all())

    async def _create(self, body: bytes) -> Answer:
        wish = read_proxy(body)
        await self.proxies.create(wish)
        return _json(self.proxies.describe(wish.name), CREATED)

    async def _get(self, name: str, _body: bytes) -> Answer:
        return _json(self.proxies.describe(name))

    async def _update(self, name: str, body: bytes) -> Answer:
        self.proxies.describe(name)  # that it is not there is said first
        await self.proxies.update(name, read_proxy_change(body))
        return _json(self.proxies.describe(name))

    async def _delete(self, name: str, _body: bytes) -> Answer:
        await self.proxies.delete(name)
        return NO_CONTENT

    # Toxics

    async def _list_toxics(self, name: str, _body: bytes) -> Answer:
        return _json(self.proxies.toxics.describe_all(name))

    async def _add_toxic(self, name: str, body: bytes) -> Answer:
        self.proxies.describe(name)
        return _json(self.proxies.toxics.add(name, read_toxic(body)))

    async def _get_toxic(self, name: str, toxic: str, _body: bytes) -> Answer:
        return _json(self.proxies.toxics.describe(name, toxic))

    async def _update_toxic(self, name: str, toxic: str, body: bytes) -> Answer:
        self.proxies.toxics.describe(name, toxic)
        return _json(self.proxies.toxics.update(name, toxic, read_toxic_change(body)))

    async def _remove_toxic(self, name: str, toxic: str, _body: bytes) -> Answer:
        self.proxies.toxics.remove(name, toxic)
        return NO_CONTENT


def _refuse_browsers(request: Request) -> None:
    """Pages of whatever site run in a browser, and could send requests here."""
    if request.user_agent.startswith("Mozilla/"):
        raise ApiError(403, "User agent not allowed")


def _is_one(parts: list[str]) -> bool:
    """Whether a path is that of one proxy or one toxic: PATCH is for those."""
    return parts[0] == "proxies" and len(parts) in (2, 4)


async def _version(_body: bytes) -> Answer:
    return _json({"version": VERSION})


def _json(value: object, status: int = 200) -> Answer:
    return Answer(status, f"{json.dumps(value)}\n".encode())


def _refused(error: ApiError) -> Answer:
    return attrs.evolve(_json(_told(error), error.status), content_type=_ERROR_TYPE)


def _told(error: ApiError) -> dict[str, object]:
    return {"error": error.message, "status": error.status}
