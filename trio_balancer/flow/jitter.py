"""Jitter: what many do at the same interval must not be done by all at the same moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random


def jittered(seconds: float, rng: random.Random, share: float = 0.1) -> float:
    """Return `seconds`, give or take up to `share` of it."""
    return seconds * rng.uniform(1 - share, 1 + share)
