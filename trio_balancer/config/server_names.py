"""Patterns of TLS server names: "a.example", "*.b.example" and "*"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.values import MisspeltError, expected
from trio_balancer.wire.host_name import canonical_host_name, is_ip_address

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANY = "*"
_BELOW = "*."
_LONGEST = 255


def server_name_pattern(value: object) -> str:
    """Parse a pattern; the result is in small letters and without a trailing dot.

    "*.b.example" matches every name below b.example, however deep, and not b.example itself,
    as it does in nginx (`hostnames` of a map) and like `-m end .b.example` in HAProxy.
    """
    error = expected("a server name like 'a.example', '*.b.example' or '*'", value)
    if value == _ANY:
        return _ANY
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise error
    wildcard = _BELOW if value.startswith(_BELOW) else ""
    written = value.removeprefix(_BELOW)
    if is_ip_address(written):
        raise ValueError(f"{error}: TLS clients do not send IP addresses")
    name = canonical_host_name(written)
    if name is None:
        a_label = _a_label(written)
        raise MisspeltError(str(error), None if a_label is None else wildcard + a_label)
    return wildcard + name


def _a_label(name: str) -> str | None:
    """Return what clients send for an internationalised name, where that is certain."""
    if name.isascii():
        return None
    try:
        sent = name.encode("idna")
        # Python's codec is of 2003 and makes "ss" of "ß", which today's clients keep.
        same = sent.decode("idna") == name.lower()
    except UnicodeError:
        return None
    return canonical_host_name(sent.decode("ascii")) if same else None


def matching_patterns(name: str) -> Iterator[str]:
    """Return every pattern that matches a canonical name, or all names that a pattern does."""
    yield _ANY
    yield name
    _, dot, parent = name.partition(".")
    while dot:
        yield _BELOW + parent
        _, dot, parent = parent.partition(".")
