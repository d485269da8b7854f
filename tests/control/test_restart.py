from __future__ import annotations

import attrs
import pytest
from support.world import make_config

from trio_balancer.config.model import RelayKind
from trio_balancer.control.restart import FOR_GOOD, NeedsRestartError, refuse_restart


def test_what_may_change_is_let_through() -> None:
    refuse_restart(make_config(), make_config(balancer='overflow = "reject"'))


def test_every_key_that_may_not_change_is_told() -> None:
    old = make_config()
    whole = attrs.evolve(old.balancer, relay=RelayKind.PORTABLE, splice=False)
    with pytest.raises(NeedsRestartError) as caught:
        refuse_restart(old, attrs.evolve(old, balancer=whole))
    assert [(problem.key, problem.message) for problem in caught.value.problems] == [
        ("balancer.relay", "has changed, which needs a restart"),
        ("balancer.splice", "has changed, which needs a restart"),
    ]


def test_the_keys_exist() -> None:
    """A section that is not there is None; but a key of one that is there must not be misspelt."""
    config = make_config()
    for key in FOR_GOOD:
        section, name = key.split(".")
        found = getattr(config, section)
        kinds = {field.name: field.type for field in attrs.fields(type(config))}
        assert found is None or hasattr(found, name), key
        assert section in kinds, key
