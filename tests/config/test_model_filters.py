from __future__ import annotations

import pytest

from trio_balancer.config.model_filters import Direction


@pytest.mark.parametrize(
    ("direction", "meant"),
    [
        (Direction.BOTH, (True, True)),
        (Direction.FROM_CLIENT, (True, False)),
        (Direction.FROM_BACKEND, (False, True)),
    ],
)
def test_directions(direction: Direction, meant: tuple[bool, bool]) -> None:
    assert (direction.from_client, direction.from_backend) == meant
