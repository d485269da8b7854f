from __future__ import annotations

import pytest

from trio_balancer.wire.haproxy_status import READY, Admin, CheckHealth, Operation, server_status

STOPPED, RUNNING = Operation.STOPPED, Operation.RUNNING
FULL = CheckHealth(4, rise=2, fall=3)
LOSING = CheckHealth(2, rise=2, fall=3)
RISING = CheckHealth(1, rise=2, fall=3)
DEAD = CheckHealth(0, rise=2, fall=3)


@pytest.mark.parametrize(
    ("operation", "admin", "check", "word"),
    [
        (RUNNING, READY, FULL, "UP"),
        (Operation.STARTING, READY, FULL, "UP"),
        (RUNNING, READY, LOSING, "UP 1/3"),
        (STOPPED, READY, RISING, "DOWN 1/2"),
        (STOPPED, READY, DEAD, "DOWN"),
        (STOPPED, READY, None, "DOWN"),
        (RUNNING, READY, None, "no check"),
        (RUNNING, Admin.FORCED_DRAIN, FULL, "DRAIN"),
        (RUNNING, Admin.INHERITED_DRAIN, None, "DRAIN"),
        (RUNNING, Admin.FORCED_DRAIN, LOSING, "DRAIN 1/3"),
        (STOPPED, Admin.FORCED_DRAIN, DEAD, "DOWN"),
        (Operation.STOPPING, READY, FULL, "NOLB"),
        (Operation.STOPPING, READY, LOSING, "NOLB 1/3"),
        (STOPPED, Admin.FORCED_MAINTENANCE, DEAD, "MAINT"),
        (STOPPED, Admin.CONFIGURED_MAINTENANCE, None, "MAINT"),
        (STOPPED, Admin.FORCED_MAINTENANCE | Admin.FORCED_DRAIN, FULL, "MAINT"),
        (STOPPED, Admin.INHERITED_MAINTENANCE, None, "MAINT (via app/s1)"),
        (STOPPED, Admin.UNRESOLVED, DEAD, "MAINT (resolution)"),
    ],
)
def test_the_word_for_each_state(
    operation: Operation, admin: Admin, check: CheckHealth | None, word: str
) -> None:
    assert server_status(operation, admin, check, via="app/s1") == word


def test_an_agent_is_named_for_what_it_did() -> None:
    assert server_status(STOPPED, READY, RISING, agent_up=False) == "DOWN (agent)"
    assert server_status(STOPPED, READY, RISING, agent_up=True) == "DOWN 1/2"
    assert server_status(RUNNING, Admin.FORCED_DRAIN, FULL, agent_up=True) == "DRAIN (agent)"
