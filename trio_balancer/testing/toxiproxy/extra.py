"""The way in: without the extra `toxiproxy`, there is no API."""

from __future__ import annotations

from importlib.util import find_spec

from trio_balancer.config.problems import ConfigError, Problem

PACKAGE = "h11"


def check_toxiproxy_extra() -> None:
    """Raise ConfigError when what the API needs is not installed."""
    if find_spec(PACKAGE) is None:
        message = (
            f"Toxiproxy's API needs a package that is not installed ({PACKAGE}); "
            "install it: pip install 'trio-balancer[toxiproxy]'"
        )
        raise ConfigError([Problem("", None, "", message)])
