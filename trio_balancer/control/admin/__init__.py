"""The admin HTTP server: probes, metrics, a JSON API and the dashboard.

HTTP is not what this project exists for: Hypercorn speaks it, Starlette routes it and
prometheus-client writes the metrics. They come with the extra `admin`, so nothing here imports
them before `open_admin` is asked for a server.
"""

from trio_balancer.control.admin.extra import check_extra, open_admin

__all__ = ["check_extra", "open_admin"]
