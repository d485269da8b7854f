from __future__ import annotations

import random

import pytest

from trio_balancer.config.model_effects import EFFECTS, AtConnect, Effect, Noop
from trio_balancer.faults.stages import make_stage
from trio_balancer.faults.stages.after_bytes import AfterBytesStage


@pytest.mark.parametrize("kind", EFFECTS.values(), ids=str)
def test_each_effect_on_the_way_has_a_stage(kind: type[Effect]) -> None:
    effect = kind()
    if not isinstance(effect, AtConnect):
        assert make_stage(effect, random.Random(1)).effect is effect


def test_after_bytes() -> None:
    stage = make_stage(Noop(), random.Random(1), after_bytes=5)
    assert isinstance(stage, AfterBytesStage)
