"""What the bodies of requests say, as frozen values.

They are read as Go reads JSON, because clients rely on that. Keys that mean nothing to a request
are ignored: clients send a whole proxy, or a whole toxic, to change one field of it. Keys may be
in upper or lower case (the client for .NET writes "Name"), and null is as good as nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import attrs

from trio_balancer.config.model import BackendConfig
from trio_balancer.config.model_effects import Delay, Refuse
from trio_balancer.config.model_faults import Fault, FaultStream
from trio_balancer.config.values import name as proxy_name
from trio_balancer.faults import FaultError, make_fault
from trio_balancer.testing.toxiproxy.addresses import read_upstream
from trio_balancer.testing.toxiproxy.errors import (
    bad_body,
    fault_refused,
    invalid_stream,
    missing_field,
    toxic_exists,
)

T = TypeVar("T")

_STREAMS = frozenset(stream.value for stream in FaultStream)
_AT_CONNECT = frozenset({Refuse.type, Delay.type})
_FAULT_KEYS = ("name", "type", "toxicity", "match")
_WORDS = {str: "a text", bool: "true or false", dict: "an object", list: "a list"}


@attrs.frozen
class ProxyWish:
    """A proxy that somebody wants; `listen` is as it was written."""

    name: str
    listen: str
    backends: tuple[BackendConfig, ...]
    enabled: bool = True
    toxics: tuple[Fault, ...] = ()


@attrs.frozen
class ProxyChange:
    """What is to be different about a proxy; None: nothing."""

    listen: str | None
    backends: tuple[BackendConfig, ...] | None
    enabled: bool | None


@attrs.frozen
class ToxicChange:
    """What is to be different about a toxic; attributes that are not given stay."""

    attributes: Mapping[str, object]
    toxicity: float | None


def read_proxy(body: bytes) -> ProxyWish:
    """Read a proxy to create; raises ApiError."""
    return _proxy(_parse_object(body), "")


def read_proxies(body: bytes) -> list[ProxyWish]:
    """Read a list of proxies to create, all or none; raises ApiError."""
    items = _parse(body)
    if not isinstance(items, list):
        raise bad_body("a list of proxies is expected")
    return [
        _proxy(_object(item, f"proxy {number}"), f" at proxy {number}")
        for number, item in enumerate(items, 1)
    ]


def read_proxy_change(body: bytes) -> ProxyChange:
    """Read what to change about a proxy; raises ApiError. Its name is not changed."""
    document = _parse_object(body)
    upstream = _take(document, "upstream", str, "")
    return ProxyChange(
        listen=_take(document, "listen", str, "") or None,
        backends=read_upstream(upstream) if upstream else None,
        enabled=_take(document, "enabled", bool, None),
    )


def read_toxic(body: bytes) -> Fault:
    """Read a toxic to add; raises ApiError."""
    return _toxic(_parse_object(body))


def read_toxic_change(body: bytes) -> ToxicChange:
    """Read what to change about a toxic; raises ApiError. Type, name and stream stay."""
    document = _parse_object(body)
    toxicity: Any = document.get("toxicity")  # the fault itself checks what it is
    return ToxicChange(_take_attributes(document), toxicity)


def _parse(body: bytes) -> object:
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise bad_body(str(error)) from None
    return parsed


def _parse_object(body: bytes) -> dict[str, object]:
    return _object(_parse(body), "the body")


def _object(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise bad_body(f"{what} is expected to be {_WORDS[dict]}")
    return {key.lower(): each for key, each in value.items() if each is not None}


def _take(document: Mapping[str, object], key: str, kind: type[T], default: Any) -> Any:  # noqa: ANN401 - of the kind, or the default
    if key not in document:
        return default
    value = document[key]
    if not isinstance(value, kind):
        raise bad_body(f"{key} is expected to be {_WORDS[kind]}")
    return value


def _take_attributes(document: Mapping[str, object]) -> Mapping[str, object]:
    return _object(document.get("attributes", {}), "attributes")


def _proxy(document: dict[str, object], where: str) -> ProxyWish:
    name = _take(document, "name", str, "")
    upstream = _take(document, "upstream", str, "")
    if not name:
        raise missing_field(f"name{where}")
    if not upstream:
        raise missing_field(f"upstream{where}")
    try:
        proxy_name(name)
    except ValueError as error:
        raise bad_body(f"name: {error}") from None
    return ProxyWish(
        name=name,
        listen=_take(document, "listen", str, ""),
        backends=read_upstream(upstream),
        enabled=_take(document, "enabled", bool, True),  # noqa: FBT003 - the default
        toxics=_toxics(_take(document, "toxics", list, [])),
    )


def _toxics(items: list[object]) -> tuple[Fault, ...]:
    toxics = tuple(_toxic(_object(item, "a toxic")) for item in items)
    if len({toxic.name for toxic in toxics}) < len(toxics):
        raise toxic_exists()
    return toxics


def _toxic(document: dict[str, object]) -> Fault:
    stream = _take(document, "stream", str, "").lower() or FaultStream.DOWNSTREAM.value
    if stream not in _STREAMS:
        raise invalid_stream()
    # An empty name is as good as none.
    given = {key: document.get(key, "") for key in _FAULT_KEYS}
    table = {key: value for key, value in given.items() if value != ""}
    table["attributes"] = _take_attributes(document)
    if _take(document, "type", str, "") not in _AT_CONNECT:  # those are on neither way
        table["stream"] = stream
    try:
        return make_fault(table)
    except FaultError as error:
        raise fault_refused(error) from None
