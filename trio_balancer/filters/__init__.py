"""Filters see, drop, hold or change the bytes of a connection: those built in, and yours.

How bytes pass: `load` makes a listener's `ListenerFilters`, which makes a `FilterChain` for each
connection; its `copy` takes the place of the relay's. There, a `lane` leads the bytes of each
direction through the filters, and is the only one who sends to its sink. `interface` is what a
filter of your own derives from, and docs/filters.md says how.
"""

from trio_balancer.filters.chain import FilterChain
from trio_balancer.filters.hold import Hold, HoldFullError
from trio_balancer.filters.interface import ConnectionInfo, Filter, FilteredConnection
from trio_balancer.filters.listener import FilterStatistics, ListenerFilters
from trio_balancer.filters.load import FilterConfigError, check_filters, load_filters
from trio_balancer.filters.surroundings import Surroundings

__all__ = [
    "ConnectionInfo",
    "Filter",
    "FilterChain",
    "FilterConfigError",
    "FilterStatistics",
    "FilteredConnection",
    "Hold",
    "HoldFullError",
    "ListenerFilters",
    "Surroundings",
    "check_filters",
    "load_filters",
]
