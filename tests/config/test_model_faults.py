from __future__ import annotations

import pytest

from trio_balancer.config.model_effects import Latency
from trio_balancer.config.model_faults import Fault, Match


def test_type_and_attributes_are_those_of_the_effect() -> None:
    fault = Fault("slow", Latency(latency=100))
    assert fault.type == "latency"
    assert fault.attributes == {"latency": 100, "jitter": 0}


def test_a_client_is_a_network_or_one_word() -> None:
    assert Match(client="unix:").client == "unix:"
    with pytest.raises(ValueError, match="can only be 'unix:'"):
        Match(client="10.0.0.0/8")
