"""How bytes move between two streams."""

from trio_balancer.relay.copy import copy, discard
from trio_balancer.relay.relay import Kind, Relay, make_relay
from trio_balancer.relay.sweeper import Sweeper, Sweepers
from trio_balancer.relay.way import Outcome, Outlet, Pair, Way

__all__ = [
    "Kind",
    "Outcome",
    "Outlet",
    "Pair",
    "Relay",
    "Sweeper",
    "Sweepers",
    "Way",
    "copy",
    "discard",
    "make_relay",
]
