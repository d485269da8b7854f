"""Clients of the shop on the web, with httpx: the first one has a bug."""

from __future__ import annotations

from contextlib import suppress
from uuid import uuid4

import httpx

ATTEMPTS = 3
PATIENCE = 1.0  # seconds until a client tries again


class OrderFailedError(Exception):
    """No attempt was answered."""


def order_carelessly(url: str, item: str) -> None:
    """Order, with a bug: each attempt is an order of its own."""
    for _ in range(ATTEMPTS):
        with suppress(httpx.TransportError):
            httpx.post(f"{url}/orders", json={"item": item}, timeout=PATIENCE)
            return
    raise OrderFailedError(item)


def order(url: str, item: str) -> None:
    """Order, as it should be: all attempts are the same order."""
    headers = {"Idempotency-Key": str(uuid4())}
    for _ in range(ATTEMPTS):
        with suppress(httpx.TransportError):
            httpx.post(f"{url}/orders", json={"item": item}, headers=headers, timeout=PATIENCE)
            return
    raise OrderFailedError(item)


def items(url: str) -> list[str]:
    """List what was ordered."""
    found: list[str] = httpx.get(f"{url}/orders").json()
    return found
