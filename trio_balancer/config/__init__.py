"""TOML text → frozen values: `parse_config` and `load_config` make a `Config`.

How a text becomes a configuration: `load` lets tomli parse it, `locate` finds the line of every
key, `overrides` puts `--set` values in, and a `reader` per table takes the keys one by one for
`sections`, `listeners`, `pools`, `backends` and `health`. Problems gather in a `Report` and are
raised together. `limits` and `describe` answer questions about the result.
"""

from trio_balancer.config.describe import describe
from trio_balancer.config.limits import fit_max_connections
from trio_balancer.config.load import load_config, parse_config
from trio_balancer.config.model import Config
from trio_balancer.config.problems import ConfigError, Problem

__all__ = [
    "Config",
    "ConfigError",
    "Problem",
    "describe",
    "fit_max_connections",
    "load_config",
    "parse_config",
]
