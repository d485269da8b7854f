"""A TCP load balancer on trio.

How a connection flows, and where to look:

    listen ─ accept ─ greet ─ admit ─ lease ─ dial ─ bridge ─ record       flow/
                        │       │       │              │
                     PROXY,  access,  which      two `copy` tasks
                     TLS     limits   backend    relay/, filters/, faults/
                     wire/   policy/  policy/

`config/` turns TOML into frozen values, `health/` keeps the backends' states true, `network/` is
the seam to the outside, `wire/` turns bytes into values and back, `control/` is for operators:
reload, runtime socket, metrics, dashboard. `testing/` is the harness: a balancer in your tests, and
a network in memory. `serve.py` holds the nurseries that all of it runs in, `cli.py` the command
line, `system/` what a whole process has to do with its system.
"""

from trio_balancer.balancer import Balancer
from trio_balancer.config import ConfigError, Problem, load_config, parse_config
from trio_balancer.config.model import Config
from trio_balancer.flow.bind import BindError
from trio_balancer.flow.record import Ending, Phase, Record, Who
from trio_balancer.flow.statistics import BalancerStatistics
from trio_balancer.serve import serve
from trio_balancer.version import __version__

__all__ = [
    "Balancer",
    "BalancerStatistics",
    "BindError",
    "Config",
    "ConfigError",
    "Ending",
    "Phase",
    "Problem",
    "Record",
    "Who",
    "__version__",
    "load_config",
    "parse_config",
    "serve",
]
