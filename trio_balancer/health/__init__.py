"""Probes of backends, whose results feed the decisions in `policy`.

`service.py` starts everything; `probe.py` is one check.
"""

from trio_balancer.health.checker import keep_checking
from trio_balancer.health.ejections import Wakeup, keep_ending_ejections
from trio_balancer.health.probe import ProbeResult, Verdict, probe
from trio_balancer.health.service import Watchers, watch_backend

__all__ = [
    "ProbeResult",
    "Verdict",
    "Wakeup",
    "Watchers",
    "keep_checking",
    "keep_ending_ejections",
    "probe",
    "watch_backend",
]
