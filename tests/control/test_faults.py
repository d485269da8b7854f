from __future__ import annotations

import pytest
from support.commands import operate
from support.world import World
from trio.testing import MockClock

from trio_balancer.control.faults import fault_json
from trio_balancer.faults import make_fault

WEB = "listeners.web"
LATENCY = {
    "attributes": {"latency": 5, "jitter": 0},
    "name": "slow",
    "type": "latency",
    "stream": "upstream",
    "toxicity": 0.5,
}


async def test_faults_come_and_go(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world, balancer="faults = true")
    assert await operator.result("faults") == []
    assert await operator.result("add_fault", on=WEB, fault=LATENCY) == {"on": WEB, **LATENCY}
    refuse = await operator.result("add_fault", on="pools.app", fault={"type": "refuse"})
    assert await operator.result("faults") == [{"on": WEB, **LATENCY}, refuse]
    assert await operator.result("remove_fault", on=WEB, name="slow") == {"on": WEB, **LATENCY}
    assert await operator.result("faults") == [refuse]


@pytest.mark.parametrize(
    ("do", "parameters", "code"),
    [
        ("add_fault", {"on": "listeners.x", "fault": LATENCY}, "no-such-listener"),
        ("add_fault", {"on": "pools.x", "fault": LATENCY}, "no-such-pool"),
        ("add_fault", {"on": "web", "fault": LATENCY}, "bad-value"),
        ("add_fault", {"on": "listeners.", "fault": LATENCY}, "bad-value"),
        ("add_fault", {"on": WEB, "fault": {"type": "rot"}}, "bad-value"),
        ("add_fault", {"on": WEB, "fault": []}, "bad-value"),
        ("remove_fault", {"on": WEB, "name": "x"}, "no-such-fault"),
    ],
)
async def test_what_makes_no_sense(
    do: str,
    parameters: dict[str, object],
    code: str,
    *,
    autojump_clock: MockClock,
    world: World,
) -> None:
    operator = await operate(world, balancer="faults = true")
    assert (await operator.error(do, **parameters))[0] == code
    assert await operator.result("faults") == []


@pytest.mark.parametrize(
    ("do", "parameters"),
    [
        ("faults", {}),
        ("add_fault", {"on": WEB, "fault": LATENCY}),
        ("remove_fault", {"on": WEB, "name": "x"}),
    ],
)
async def test_nothing_is_broken_by_accident(
    do: str, parameters: dict[str, object], *, autojump_clock: MockClock, world: World
) -> None:
    operator = await operate(world)
    assert (await operator.error(do, **parameters))[0] == "faults-off"


def test_a_match_is_told() -> None:
    match = {"first": 3, "client": "10.0.0.0/8", "backend": "one"}
    assert fault_json(make_fault({"type": "noop", "match": match}))["match"] == match
    assert fault_json(make_fault({"type": "noop", "match": {"nth": 1}}))["match"] == {"nth": 1}
