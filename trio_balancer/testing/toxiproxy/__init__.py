"""Toxiproxy's HTTP API, so that its clients, in any language, work with this balancer unmodified.

A proxy is a listener and a pool of the same name, a toxic is a fault of that listener. How a
request goes: `http_server` reads it, `api` finds what it is for, `bodies` and `addresses` parse
what it says, `proxies` and `toxics` do it. The contract is that of github.com/Shopify/toxiproxy,
version 2.12.0.
"""

from trio_balancer.testing.toxiproxy.open_toxiproxy import Toxiproxy, open_toxiproxy

__all__ = ["Toxiproxy", "open_toxiproxy"]
