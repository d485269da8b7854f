from __future__ import annotations

from trio_balancer.config import describe, parse_config

FULL = """
[balancer]
drain_timeout = "off"
[listeners.web]
bind = ["127.0.0.1:8080", "[::1]:8080"]
pool = "app"
max_connections = 1
overflow = "reject"
[listeners.local]
bind = "unix:/run/web.sock"
pool = "batch"
[pools.app]
policy = "first"
when_down = "hold"
backends = ["127.0.0.1:9001", "db.example:9002"]
health = { type = "http", path = "/up", port = 81, address = "10.0.0.1", timeout = "250ms" }
outlier = {}
[pools.batch]
health.type = "none"
[[pools.batch.backends]]
name = "batch-1"
address = "127.0.0.1:9003"
weight = 2
max_connections = 200
backup = true
[pools.spare]
backends = ["unix:/run/spare.sock"]
"""


def test_everything_that_would_run() -> None:
    assert describe(parse_config(FULL), 4000).splitlines() == [
        "at most 4000 connections, others wait; drain timeout off",
        "",
        "listener web -> pool app, at most 1 connection, others are reset",
        "  127.0.0.1:8080",
        "  [::1]:8080",
        "",
        "listener local -> pool batch",
        "  unix:/run/web.sock",
        "",
        "pool app: first, hold for 30s when all are down",
        "  health: http /up, address 10.0.0.1, port 81 every 2s, timeout 250ms, rise 2, fall 3",
        "  outlier: 5 failures in a row, then ejected for 30s",
        "  127.0.0.1:9001, weight 1",
        "  db.example:9002, weight 1",
        "",
        "pool batch: round-robin, fail when all are down",
        "  health: no checks",
        "  batch-1 at 127.0.0.1:9003, weight 2, at most 200 connections, backup",
        "",
        "pool spare: round-robin, fail when all are down",
        "  health: tcp every 2s, timeout 1s, rise 2, fall 3",
        "  unix:/run/spare.sock, weight 1",
    ]


def test_faults() -> None:
    text = describe(
        parse_config("""
[balancer]
faults = true
[listeners.web]
bind = "127.0.0.1:8080"
pool = "app"
faults = [{ type = "noop" }]
[pools.app]
backends = ["127.0.0.1:9001"]
faults = [{ type = "latency", name = "slow", toxicity = 0.5 }]
"""),
        10,
    )
    assert "  broken on purpose: 'noop_downstream' (noop)\n" in text
    assert "  broken on purpose: 'slow' (latency), toxicity 0.5\n" in text
