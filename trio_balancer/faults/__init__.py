"""Faults: what is done to connections on purpose, in a test. Toxiproxy calls them toxics.

How one works: a `FaultBook` knows the faults of each listener and pool, and tells the live
connections when one is added, changed or taken away. A connection's `ConnectionFaults` says which
of them meet it. Where none does, its bytes stay in the relay, untouched; else they leave it, and
each way goes through a `Lane` of `stages`, one for each fault, to its sink.
"""

from trio_balancer.faults.book import FaultBook, FaultNews, InstalledFault
from trio_balancer.faults.connection import ConnectionFaults
from trio_balancer.faults.errors import FaultError, FaultErrorCode
from trio_balancer.faults.make import make_fault
from trio_balancer.faults.scope import Scope, on_listener, on_pool
from trio_balancer.faults.subject import Subject

__all__ = [
    "ConnectionFaults",
    "FaultBook",
    "FaultError",
    "FaultErrorCode",
    "FaultNews",
    "InstalledFault",
    "Scope",
    "Subject",
    "make_fault",
    "on_listener",
    "on_pool",
]
