from __future__ import annotations

import pytest

from trio_balancer.testing import FaultError
from trio_balancer.testing.remote_harness import RemoteHarness, open_in_thread


def test_it_is_changed_in_the_balancers_thread() -> None:
    with open_in_thread((), None, ()) as (harness, portal):
        remote = RemoteHarness(harness, portal)
        with remote.fault("latency", latency=100, name="slow") as slow:
            assert slow.name == "slow"
            assert repr(slow) == "<fault slow on listeners.front>"
            slow.update(jitter=20, toxicity=0.5)
            [(_, fault)] = [(each.scope, each.fault) for each in harness._runner.faults.list()]
            assert fault.attributes == {"latency": 100, "jitter": 20}
            assert fault.toxicity == 0.5
            with pytest.raises(FaultError, match="did you mean 'jitter'"):
                slow.update(jiter=20)
