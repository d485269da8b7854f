"""What is in the files that TLS needs: a reload reads them again, and tells which are new."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from trio_balancer.config.model_tls import ListenerTls

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from trio_balancer.config.model_tls import PoolTls


def digest_files(settings: Iterable[ListenerTls | PoolTls]) -> dict[str, bytes]:
    """Return the SHA-256 of each certificate, key and authority that is named.

    A file that cannot be read is left out: why, it is for whoever loads it to say.
    """
    digests = {}
    for path in {path for each in settings for path in _named(each)}:
        with suppress(OSError):
            digests[path] = sha256(Path(path).read_bytes()).digest()
    return digests


def _named(tls: ListenerTls | PoolTls) -> Iterator[str]:
    if isinstance(tls, ListenerTls):
        certificates, authorities = tls.certificates, tls.client_ca
    else:
        certificates, authorities = (tls.certificate,) if tls.certificate else (), tls.ca
    for files in certificates:
        yield from (files.cert, files.key)
    if authorities is not None:
        yield authorities


def renewed(before: Mapping[str, bytes], now: Mapping[str, bytes]) -> tuple[str, ...]:
    """List the files that have other contents than before, in order."""
    return tuple(sorted(path for path in before.keys() & now.keys() if before[path] != now[path]))
