"""What a balancer is busy with, as a service manager wants to know it."""

from __future__ import annotations

from enum import Enum, auto


class Phase(Enum):
    """One of the three states of a balancer that runs."""

    SERVING = auto()
    RELOADING = auto()
    STOPPING = auto()
