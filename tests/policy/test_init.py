from __future__ import annotations

from trio_balancer import policy


def test_the_public_names_are_there() -> None:
    assert sorted(policy.__all__) == policy.__all__
    assert all(hasattr(policy, name) for name in policy.__all__)
