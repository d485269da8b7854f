"""What an operator may ask of a backend, and what people see of it."""

from __future__ import annotations

from enum import Enum


class Admin(Enum):
    """What the operator wants of a backend, whatever its checks say."""

    READY = "ready"
    DRAIN = "drain"
    MAINTENANCE = "maintenance"


class State(Enum):
    """What a backend is, seen from outside; only one that is up takes new connections."""

    UP = "up"
    DOWN = "down"
    DRAIN = "drain"
    MAINTENANCE = "maintenance"


class Unavailable(Enum):
    """Why there is no lease: nobody may serve, or all who may are at their limit."""

    DOWN = "down"
    FULL = "full"
