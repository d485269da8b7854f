"""Who may ask: the Host, the origin and the token of a request, before anything is done for it.

A page of somebody else's that runs in an operator's browser can send requests here, and a name of
its own can be made to lead here (DNS rebinding). Neither may read or change anything.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import attrs

from trio_balancer.control.admin.errors import RequestError
from trio_balancer.wire.address import canonical_ip

if TYPE_CHECKING:
    from trio_balancer.config.model_admin import AdminConfig
    from trio_balancer.wire.address import IP

_HOST = re.compile(r"(?:\[(?P<ipv6>[^\]]*)\]|(?P<name>[^:\[\]]*))(?::[0-9]*)?\Z")
_READING = frozenset({"GET", "HEAD"})
# What a browser says of a request that its own page or its user has made.
_OWN_SITE = frozenset({"same-origin", "none"})
# What tells nothing of the balancer but that it runs: orchestrators have no token, and a browser
# must show the dashboard before its user can enter one.
_OPEN = frozenset({"/healthz", "/readyz", "/", "/api/docs", "/api/openapi.json"})
_OPEN_PREFIX = "/static/"


@attrs.frozen
class Asked:
    """What matters of a request; header names are in lower case.

    `client` and `server` are the numeric addresses of the two ends of its connection.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    client: str
    server: str

    @property
    def changes(self) -> bool:
        """Whether it may change anything."""
        return self.method not in _READING


@attrs.frozen
class Guard:
    """The rules of one admin server; `hosts` are names in lower case."""

    hosts: frozenset[str]
    token: str | None

    @classmethod
    def of(cls, config: AdminConfig) -> Guard:
        """Build the rules that the configuration asks for."""
        bound = (str(address.ip) for address in config.bind)
        return cls(frozenset({"localhost", *bound, *config.hosts}), config.token)

    def check(self, asked: Asked) -> None:
        """Raise RequestError when the request must be refused."""
        self._check_host(asked)
        if asked.changes:
            _check_site(asked)
            _check_type(asked)
        if not _is_open(asked.path):
            self._check_token(asked)

    def _check_host(self, asked: Asked) -> None:
        host = _host_name(asked.headers.get("host", ""))
        if host in self.hosts or self._is_own_address(host, asked.server):
            return
        raise RequestError(
            403,
            "foreign-host",
            "The Host header names none of this server's hosts; add it to hosts in [admin].",
        )

    def _is_own_address(self, host: str, server: str) -> bool:
        """Whether the client asked by number: no name can have led it astray."""
        ip = _ip(host)
        return ip is not None and (ip.is_loopback or ip == _ip(server))

    def _check_token(self, asked: Asked) -> None:
        if self.token is not None:
            scheme, _, given = asked.headers.get("authorization", "").partition(" ")
            known = hmac.compare_digest(given.strip().encode(), self.token.encode())
            if scheme.lower() != "bearer" or not known:
                raise RequestError(401, "no-token", "A token is needed: Authorization: Bearer ….")
        elif asked.changes:
            _check_local(asked)


def _check_local(asked: Asked) -> None:
    """Without a token, only this machine may change anything."""
    ip = _ip(asked.client)
    if ip is None or not ip.is_loopback:
        message = "Without a token in [admin], changes are made from this machine only."
        raise RequestError(403, "not-allowed", message)


def _check_site(asked: Asked) -> None:
    """Refuse what a page of another site has sent; programs say nothing of a site."""
    origin = asked.headers.get("origin")
    site = asked.headers.get("sec-fetch-site", "none")
    foreign = origin is not None and not _is_origin(origin, asked.headers["host"])
    if foreign or site not in _OWN_SITE:
        raise RequestError(403, "cross-site", "Another site has sent this request.")


def _is_origin(origin: str, host: str) -> bool:
    # With any scheme: whoever speaks TLS in front of us keeps the Host.
    with suppress(ValueError):
        return urlsplit(origin).netloc.lower() == host.lower()
    return False


def _check_type(asked: Asked) -> None:
    """Refuse the types that a form of another site could send without asking first."""
    media = asked.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        message = "Changes are sent as JSON: Content-Type: application/json."
        raise RequestError(415, "not-json", message)


def _is_open(path: str) -> bool:
    return path in _OPEN or path.startswith(_OPEN_PREFIX)


def _host_name(host: str) -> str:
    """Take the port away, and the dot that may end a name."""
    match = _HOST.match(host)
    if match is None:
        return ""
    return (match["ipv6"] or match["name"] or "").lower().removesuffix(".")


def _ip(text: str) -> IP | None:
    with suppress(ValueError):
        return canonical_ip(text.partition("%")[0])
    return None
