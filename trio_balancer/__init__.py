"""A TCP load balancer on trio.

How a connection flows, and where to look:

    listen ─ accept ─ admit ─ lease ─ dial ─ bridge ─ record         flow/
                                │              │
                            which backend   two `copy` tasks
                            policy/         relay/

`config/` turns TOML into frozen values, `health/` keeps the backends' states true, `network/` is
the seam to the outside, `wire/` turns bytes into values and back, `testing/` has a network in
memory. `serve.py` holds the nurseries that all of it runs in, `cli.py` the command line.
"""

from trio_balancer.balancer import Balancer
from trio_balancer.config import ConfigError, Problem, load_config, parse_config
from trio_balancer.config.model import Config
from trio_balancer.flow.bind import BindError
from trio_balancer.flow.record import Ending, Phase, Record, Who
from trio_balancer.flow.statistics import BalancerStatistics
from trio_balancer.serve import serve

__version__ = "0.1.0"

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
    "load_config",
    "parse_config",
    "serve",
]
